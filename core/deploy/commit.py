"""Name the commit of the running code, so that `/healthz` and Modal show which version is online."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
SHORT = 12
"""Characters of a commit in a tag."""


@dataclass(frozen=True, slots=True)
class Commit:
    """The commit that is checked out.

    Attributes:
        sha: the 40 hex digits of the commit.
        is_dirty: whether files that git tracks have changes that are not committed.
    """

    sha: str
    is_dirty: bool

    @property
    def tag(self) -> str:
        """The tag of a deployment."""
        return self.sha[:SHORT] + ("-dirty" if self.is_dirty else "")


def find_commit(root: Path = ROOT) -> Commit | None:
    """Return the commit of a working tree; None without git or outside of a repository."""
    top, sha = _run_git(root, "rev-parse", "--show-toplevel"), _run_git(root, "rev-parse", "HEAD")
    if not top or not sha or Path(top).resolve() != root.resolve():
        return None
    return Commit(sha, is_dirty=bool(_run_git(root, "status", "--porcelain", "--untracked-files=no")))


def _run_git(root: Path, *arguments: str) -> str | None:
    command = ["git", "-C", str(root), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - git on the PATH
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None
