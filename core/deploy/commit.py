"""Identify the commit and the deployment of the running code, so that `/healthz` and Modal show what is online."""

import secrets
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).parents[2]
SHORT = 12
"""Characters of a commit in a tag."""


@dataclass(frozen=True, slots=True)
class Commit:
    """The commit that is checked out.

    Attributes:
        sha: the 40 hex digits of the commit.
        changed: the files with changes that are not committed, and the files that git neither tracks nor ignores.
    """

    sha: str
    changed: tuple[str, ...] = ()

    @property
    def tag(self) -> str:
        """The tag of a deployment."""
        return self.sha[:SHORT] + ("-dirty" if self.changed else "")


def find_commit(root: Path = ROOT) -> Commit | None:
    """Return the commit of a working tree; None without git or outside of a repository."""
    top, sha = _run_git(root, "rev-parse", "--show-toplevel"), _run_git(root, "rev-parse", "HEAD")
    if not top or not sha or Path(top).resolve() != root.resolve():
        return None
    # Each entry is two letters, a space and a path. Without renames, an entry has one path.
    entries = _run_git(root, "status", "--porcelain", "-z", "--no-renames", "--untracked-files=all") or ""
    return Commit(sha, tuple(entry[3:] for entry in entries.split("\0") if entry))


def make_deployment_id() -> str:
    """Return a new id for a deployment: its time in UTC, and a random part.

    The commit does not identify a deployment. The same commit may be deployed again with other settings, with changes
    that are not committed, or without git.
    """
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"


def _run_git(root: Path, *arguments: str) -> str | None:
    command = ["git", "-C", str(root), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - git on the PATH
    except OSError:
        return None
    return done.stdout.rstrip("\n") if done.returncode == 0 else None
