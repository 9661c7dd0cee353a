"""One process per data directory: a lock that the kernel releases whichever way the process ends."""

import fcntl
import os
from io import FileIO
from pathlib import Path

from core.errors import ThunderError


class AlreadyRunningError(ThunderError):
    """Another process serves from this data directory; the sentence names it."""

    status = 409


class DirectoryLock:
    """A locked data directory. The lock file holds our pid and, once known, the URL served."""

    def __init__(self, file: FileIO) -> None:
        self._file = file
        self.announce("")

    def announce(self, url: str) -> None:
        """Write who we are and what we serve into the lock file."""
        self._file.seek(0)
        self._file.truncate()
        self._file.write(f"{os.getpid()}\n{url}\n".encode())

    def release(self) -> None:
        """Let others in. A second time does nothing."""
        self._file.close()


def lock_directory(data_dir: Path) -> DirectoryLock:
    """Make the directory (0700) if needed and lock it.

    Raises:
        AlreadyRunningError: if another process holds it.
    """
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Not inherited by children, as no descriptor of Python's is: a Postgres that outlives us must not look like us.
    descriptor = os.open(data_dir / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    file = FileIO(descriptor, "r+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        with file:
            raise AlreadyRunningError(describe_holder(data_dir, file.read(4096))) from None
    return DirectoryLock(file)


def describe_holder(data_dir: Path, written: bytes | None) -> str:
    """Say who has the directory, going by the lock file."""
    pid, url, *_ = [*(written or b"").decode(errors="replace").splitlines(), "", ""]
    where = f" at {url}" if url else ""
    return f"Thunder already runs on {data_dir}{where} (process {pid or 'unknown'}): stop it, or set THUNDER_DATA_DIR"
