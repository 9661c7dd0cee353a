"""Allow one process per data directory, with a lock that the kernel releases when the process ends."""

import fcntl
import os
from io import FileIO
from pathlib import Path

from core.errors import ThunderError
from core.local.data_directory import make_data_dir


class AlreadyRunningError(ThunderError):
    """Another process uses this data directory; the message names it."""

    status = 409


class DirectoryLock:
    """A locked data directory. The lock file contains the pid and, once known, the served URL."""

    def __init__(self, file: FileIO) -> None:
        self._file = file
        self.announce("")

    def announce(self, url: str) -> None:
        """Write the pid and the served URL into the lock file."""
        self._file.seek(0)
        self._file.truncate()
        self._file.write(f"{os.getpid()}\n{url}\n".encode())

    def release(self) -> None:
        """Release the lock. Calling it again has no effect."""
        self._file.close()


def lock_directory(data_dir: Path) -> DirectoryLock:
    """Create the directory (0700) if needed and lock it.

    Raises:
        AlreadyRunningError: if another process holds the lock.
    """
    make_data_dir(data_dir)
    # Python's descriptors are not inherited, so a Postgres that outlives this process does not keep the lock.
    descriptor = os.open(data_dir / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    file = FileIO(descriptor, "r+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        with file:
            raise AlreadyRunningError(describe_holder(data_dir, file.read(4096))) from None
    return DirectoryLock(file)


def find_served_url(data_dir: Path) -> str | None:
    """Return the URL of the server that runs on this directory; None if no server does."""
    try:
        file = (data_dir / "lock").open("rb")
    except OSError:
        return None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return _read_holder(file.read(4096))[1] or None
    return None


def _read_holder(written: bytes | None) -> tuple[str, str]:
    """Return the pid and the URL in a lock file, or empty strings."""
    pid, url, *_ = [*(written or b"").decode(errors="replace").splitlines(), "", ""]
    return pid, url


def describe_holder(data_dir: Path, written: bytes | None) -> str:
    """Describe the process that holds the directory, from the contents of the lock file."""
    pid, url = _read_holder(written)
    where = f" at {url}" if url else ""
    return f"Thunder already runs on {data_dir}{where} (process {pid or 'unknown'}); stop it, or set THUNDER_DATA_DIR"
