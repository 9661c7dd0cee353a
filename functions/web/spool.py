"""A body while it comes in: in memory if it is small, else in a file that has no name and goes with the process."""

import mmap
import os
import tempfile
from dataclasses import dataclass

from core.errors import ThunderError

MEMORY_BYTES = 4 * 1024 * 1024
"""A body up to this size stays in memory. The byte budget (functions.web.budget) limits the sum of all bodies."""


class NoSpaceError(ThunderError):
    """The directory for temporary files takes no more."""

    status = 503


class Spool:
    """Bytes that are written once, front to back, and then read anywhere."""

    def __init__(self) -> None:
        self.size = 0
        self._memory = bytearray()
        self._file: int | None = None

    def write(self, part: bytes) -> None:
        """Append.

        Raises:
            NoSpaceError: the disk is full.
        """
        self.size += len(part)
        self._memory += part
        if self._file is None and self.size > MEMORY_BYTES:
            self._file = _open_file()
        if self._file is not None:
            _write(self._file, self._memory)
            self._memory = bytearray()

    @property
    def file(self) -> int | None:
        """The descriptor; None while all of it is in memory."""
        return self._file

    def read(self, start: int, end: int) -> bytes:
        """A part of it."""
        return bytes(self._memory[start:end]) if self._file is None else read_file(self._file, start, end)

    def map(self) -> "bytes | mmap.mmap":
        """All of it, without a copy of what is in a file."""
        if self._file is None:
            return bytes(self._memory)
        return mmap.mmap(self._file, self.size, access=mmap.ACCESS_READ)

    def close(self) -> None:
        """Forget it."""
        self._memory = bytearray()
        if self._file is not None:
            os.close(self._file)
            self._file = None


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a spool: a whole body, or a line."""

    spool: Spool
    start: int
    end: int

    @property
    def size(self) -> int:
        """In bytes."""
        return self.end - self.start

    def read(self) -> bytes:
        """As bytes."""
        return self.spool.read(self.start, self.end)


def read_file(file: int, start: int, end: int) -> bytes:
    """A part of a file, whatever its position."""
    with mmap.mmap(file, end, access=mmap.ACCESS_READ) as whole:
        return whole[start:end]


def _open_file() -> int:
    try:
        with tempfile.TemporaryFile(buffering=0) as file:
            return os.dup(file.fileno())
    except OSError as error:
        raise NoSpaceError(f"a large body cannot be kept while it comes in: {error.strerror}") from None


def _write(file: int, data: bytearray) -> None:
    view = memoryview(data)
    try:
        while view:
            view = view[os.write(file, view) :]
    except OSError as error:
        raise NoSpaceError(f"a large body cannot be kept while it comes in: {error.strerror}") from None
