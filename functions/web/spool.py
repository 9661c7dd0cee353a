"""Hold a body while it is received: a small one in memory, a large one in an unnamed file."""

import mmap
import os
import tempfile
from dataclasses import dataclass

from core.errors import ThunderError

MEMORY_BYTES = 4 * 1024 * 1024
"""A body up to this size stays in memory. The byte budget (functions.web.budget) limits the sum of all bodies."""


class NoSpaceError(ThunderError):
    """The body could not be written to a temporary file."""

    status = 503


class Spool:
    """A buffer that is written once, in order, and can then be read at any position."""

    def __init__(self) -> None:
        self.size = 0
        self._parts: list[bytes] = []
        self._file: int | None = None

    def write(self, part: bytes) -> None:
        """Append bytes.

        Raises:
            NoSpaceError: the disk is full, or not writable.
        """
        self.size += len(part)
        self._parts.append(part)
        if self._file is None and self.size > MEMORY_BYTES:
            self._file = _open_file()
        if self._file is not None:
            _write(self._file, self._join())
            self._parts.clear()

    @property
    def file(self) -> int | None:
        """The file descriptor; None while everything is in memory."""
        return self._file

    def read(self, start: int, end: int) -> bytes:
        """Return a range of bytes."""
        return self._join()[start:end] if self._file is None else read_file(self._file, start, end)

    def map(self) -> "bytes | mmap.mmap":
        """Return all bytes; a file is mapped, not copied."""
        if self._file is None:
            return self._join()
        return mmap.mmap(self._file, self.size, access=mmap.ACCESS_READ)

    def close(self) -> None:
        """Release the memory or the file."""
        self._parts.clear()
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _join(self) -> bytes:
        """Return the bytes in memory. Joining once is cheaper than growing one buffer, which touches new pages."""
        if len(self._parts) != 1:
            self._parts = [b"".join(self._parts)]
        return self._parts[0]


@dataclass(frozen=True, slots=True)
class Part:
    """A range of a spool: a whole body, or one line."""

    spool: Spool
    start: int
    end: int

    @property
    def size(self) -> int:
        """The number of bytes."""
        return self.end - self.start

    def read(self) -> bytes:
        """Return the bytes."""
        return self.spool.read(self.start, self.end)


def read_file(file: int, start: int, end: int) -> bytes:
    """Return a range of a file, independent of its current position. Mapped pages would count as memory as well."""
    parts: list[bytes] = []
    while start < end and (part := os.pread(file, end - start, start)):
        parts.append(part)
        start += len(part)
    return b"".join(parts)  # of one part, no copy


def _open_file() -> int:
    try:
        with tempfile.TemporaryFile(buffering=0) as file:
            return os.dup(file.fileno())
    except OSError as error:
        raise NoSpaceError(f"body: can't be buffered on disk ({error.strerror}); try again later") from None


def _write(file: int, data: bytes) -> None:
    view = memoryview(data)
    try:
        while view:
            view = view[os.write(file, view) :]
    except OSError as error:
        raise NoSpaceError(f"body: can't be buffered on disk ({error.strerror}); try again later") from None
