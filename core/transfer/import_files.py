"""Read the inputs of an import: line files, single documents, and folders of both, compressed or not.

Files may have any size, because only one trace is in memory at a time. A trace above the limit is not read completely.
"""

import gzip
import json
import sys
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BufferedReader, RawIOBase
from pathlib import Path
from typing import BinaryIO, Self, cast

import orjson

from core.traces.items import find_rows
from core.wire.zstandard import zstd

STDIN = "-"
SUFFIXES = (".json", ".jsonl", ".ndjson")
LINE_SUFFIXES = (".jsonl", ".ndjson")
COMPRESSED = (".gz", ".zst")
BROKEN = (EOFError, gzip.BadGzipFile, zlib.error, zstd.ZstdError)

SLACK = 4096
"""The number of bytes by which an export line may exceed its document."""

_GZIP, _ZSTD, _BOM = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Item:
    """A trace to import, or the reason why it could not be read.

    Attributes:
        location: the file and line, for messages.
        body: the document; empty if it could not be read.
        problem: the reason why it could not be read, or None.
    """

    location: str
    body: bytes
    problem: str | None = None


def find_files(names: tuple[str, ...]) -> Iterator[Path | Item]:
    """Yield the files of the names. A folder yields the files with a suffix of traces, in order."""
    for name in names:
        path = Path(name)
        if name == STDIN or not path.is_dir():
            yield path
            continue
        inside = [file for file in sorted(path.rglob("*")) if file.is_file() and _looks_like_traces(file)]
        yield from inside or [Item(show_path(path), b"", f"no {', '.join(SUFFIXES)} file in this folder")]


def _looks_like_traces(path: Path) -> bool:
    bare = path.with_suffix("") if path.suffix in COMPRESSED else path
    return bare.suffix in SUFFIXES and not path.name.startswith(".")


def measure(names: tuple[str, ...]) -> int | None:
    """Return the total size of all files in bytes, or None if standard input is among them."""
    if STDIN in names:
        return None
    return sum(path.stat().st_size for path in find_files(names) if isinstance(path, Path) and path.is_file())


def read_items(names: tuple[str, ...], *, limit: int, progress: Callable[[int], object] = int) -> Iterator[Item]:
    """Yield every trace to import, in order.

    Args:
        names: files and folders; `-` is standard input.
        limit: the largest document, in bytes.
        progress: called with the number of bytes read since the last call.
    """
    for found in find_files(names):
        if isinstance(found, Item):
            yield found
            continue
        try:
            with _Source.open(found) as raw:
                for item in _read_file(raw, found, limit + SLACK):
                    progress(raw.advance())
                    yield item
                progress(raw.advance())
        except OSError as error:
            yield Item(show_path(found), b"", error.strerror or str(error))


class _Source:
    """An open file that counts the bytes read."""

    def __init__(self, file: BufferedReader, *, owned: bool) -> None:
        self.file = file
        self._owned = owned
        self._reported = 0

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open a file; standard input stays open."""
        if str(path) == STDIN:
            stdin = sys.stdin.buffer
            buffered = stdin if hasattr(stdin, "peek") else BufferedReader(cast("RawIOBase", stdin))
            return cls(cast("BufferedReader", buffered), owned=False)
        return cls(path.open("rb"), owned=True)

    def advance(self) -> int:
        if not self._owned or not self.file.seekable():
            return 0
        before, self._reported = self._reported, self.file.tell()
        return self._reported - before

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._owned:
            self.file.close()


def _read_file(raw: _Source, path: Path, limit: int) -> Iterator[Item]:
    number, shown = 0, show_path(path)
    try:
        for number, body in _iterate_documents(_unpack(raw.file), path, limit):
            location = f"{shown} line {number}"
            if body is None:
                yield Item(location, b"", f"larger than {limit:,} bytes; raise MAX_BODY_MB")
            else:
                yield from _split(location, body)
    except BROKEN:
        yield Item(f"{shown} after line {number}", b"", "the compressed file is damaged or truncated")


def _split(location: str, body: bytes) -> Iterator[Item]:
    """Yield the items of a JSON list, which are separate requests unless they are chunks of one stream."""
    rows = find_rows(body) if body.lstrip().startswith(b"[") else []
    if not rows or not rows[0].startswith(b"{"):  # not a list of items
        yield Item(location, body)
        return
    for number, row in enumerate(rows, 1):
        yield Item(f"{location} item {number}", row)


def _unpack(file: BufferedReader) -> BinaryIO:
    start = file.peek(4)
    if start.startswith(_GZIP):
        return cast("BinaryIO", gzip.GzipFile(fileobj=file, mode="rb"))
    return cast("BinaryIO", zstd.ZstdFile(file, "rb")) if start.startswith(_ZSTD) else file


def _iterate_documents(file: BinaryIO, path: Path, limit: int) -> Iterator[tuple[int, bytes | None]]:
    """Yield each document with its line number, from 1; None for a document that is too large.

    A file contains lines if its suffix is one of line files, or if its first line is a complete JSON value. Otherwise
    it is a single document.
    """
    lines = _iterate_lines(file, limit)
    number, first = next(lines, (0, b""))
    if number == 0:
        return
    bare = path.with_suffix("") if path.suffix in COMPRESSED else path
    if first is None or bare.suffix in LINE_SUFFIXES or _is_whole(first):
        yield number, first
        yield from lines
        return
    rest = file.read(limit + 1)
    whole = first + b"\n" + rest
    yield number, whole if len(whole) <= limit else None


def _iterate_lines(file: BinaryIO, limit: int) -> Iterator[tuple[int, bytes | None]]:
    number = 0
    while line := file.readline(limit + 2):
        number += 1
        body = line.removesuffix(b"\n").removesuffix(b"\r")
        if number == 1:
            body = body.removeprefix(_BOM)
        if len(body) > limit:
            while line and not line.endswith(b"\n"):
                line = file.readline(limit)
            yield number, None
        elif body.strip():
            yield number, body


def _is_whole(line: bytes) -> bool:
    try:
        orjson.loads(line)
    except orjson.JSONDecodeError:
        try:
            json.loads(line)
        except (ValueError, RecursionError):
            return False
    return True


def show_path(path: Path) -> str:
    """Format a path for display, escaped if it contains unprintable characters."""
    shown = str(path)
    return "standard input" if shown == STDIN else shown if shown.isprintable() else ascii(shown)
