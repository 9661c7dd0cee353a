"""The data directory, and the error that explains why it can't be used."""

import contextlib
import os
from collections.abc import Generator
from pathlib import Path

from core.errors import ThunderError


class DataDirectoryError(ThunderError):
    """The data directory can't be read or written."""


@contextlib.contextmanager
def using_directory(data_dir: Path) -> Generator[None]:
    """Convert an OSError about a file in the data directory, or about a parent of it, to an error with a remedy.

    Raises:
        DataDirectoryError: the block could not read or write there.
    """
    try:
        yield
    except OSError as error:
        if error.filename is None or not _are_related(Path(str(error.filename)), data_dir):
            raise
        raise DataDirectoryError(
            f"THUNDER_DATA_DIR: cannot use {error.filename} ({error.strerror}); make {data_dir} a directory "
            "that this user can write to, or set THUNDER_DATA_DIR to another one"
        ) from error


def _are_related(one: Path, other: Path) -> bool:
    one, other = (Path(os.path.realpath(path)) for path in (one, other))  # Path.resolve fails on a loop of links
    return one.is_relative_to(other) or other.is_relative_to(one)


def make_data_dir(data_dir: Path) -> None:
    """Create the directory (0700) if needed."""
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
