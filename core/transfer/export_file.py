"""The output of an export: standard output, or a file that is created completely or not at all."""

import contextlib
import gzip
import os
import sys
from collections.abc import Generator
from pathlib import Path
from typing import BinaryIO, cast

from core.wire.zstandard import LEVEL, zstd


@contextlib.contextmanager
def open_output(path: Path | None) -> Generator[BinaryIO]:
    """Open a file for writing, or standard output if the path is None. *.gz and *.zst files are compressed.

    The file has a temporary name until it is complete. It has mode 0600, because it contains prompts.
    """
    if path is None:
        with _standard_output() as file:
            yield file
        return
    path = path.resolve()
    special = path.exists() and not path.is_file()  # for example a pipe, which must not be replaced
    with path.open("wb") if special else _open_unfinished(path) as raw, _compress(raw, path.suffix) as file:
        yield file


@contextlib.contextmanager
def _standard_output() -> Generator[BinaryIO]:
    file = sys.stdout.buffer
    try:
        yield file
        file.flush()
    except BrokenPipeError:
        # The reader closed the pipe. Flushing the rest of the buffer at exit must not fail.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


@contextlib.contextmanager
def _open_unfinished(path: Path) -> Generator[BinaryIO]:
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.part")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(descriptor)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def _compress(raw: BinaryIO, suffix: str) -> contextlib.AbstractContextManager[BinaryIO]:
    match suffix:
        case ".gz":
            return cast("contextlib.AbstractContextManager[BinaryIO]", gzip.GzipFile(fileobj=raw, mode="wb"))
        case ".zst":
            return cast("contextlib.AbstractContextManager[BinaryIO]", zstd.ZstdFile(raw, "wb", level=LEVEL))
        case _:
            return contextlib.nullcontext(raw)
