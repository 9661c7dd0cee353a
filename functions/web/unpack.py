"""Decompress and scan a received body, each up to a limit, before it is parsed. Pure."""

import io
import zlib
from collections.abc import Callable
from typing import TypeVar, TypeVarTuple

from core.errors import InvalidInputError, ThunderError
from core.wire.zstandard import zstd

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

MIB = 1024 * 1024
MAX_MEMBERS = 100
"""Maximum gzip members or zstd frames of a body."""
MAX_WINDOW_LOG = 25
"""Largest window of a zstd frame: 32 MiB. Levels up to 19 need 8 MiB."""
MAX_VALUES = 16_000_000
"""Maximum commas and opening brackets in a body. A trace has one per 18 bytes, the densest list of numbers one per 3.
`{},{},…` has two per three bytes."""
VALUE_BYTES = 80
"""Memory of a value once it is parsed."""

MAX_LIGHT_OBJECTS = 60_000
"""Maximum objects, and maximum lists, of a body that is parsed in the serving process. A trace of 4 MiB has 50 000
objects, most of them top-k entries, which take 0.3 µs each. Scoring a token without a list takes 20 µs."""
MAX_LIGHT_LINES = 250_000
"""Maximum ends of lines of one kind, in a body or in a JSON text, which may be a stream."""

_PIECE_BYTES = 64 * 1024
_OPTIONS: dict[int, int] = {zstd.DecompressionParameter.window_log_max: MAX_WINDOW_LOG}


class BodyTooLargeError(ThunderError):
    """The body exceeds a limit, compressed or decompressed."""

    status = 413


class HeavyBodyError(Exception):
    """The body is small, but takes too long to process in the serving process."""


class UnsupportedTypeError(ThunderError):
    """The type or the encoding of the body is not supported."""

    status = 415


def work_on(packed: bytes, encoding: str, limit: int, function: Callable[[bytes, *Ts], T], *args: *Ts) -> T:
    """Decompress a body and call a function with it.

    Raises:
        HeavyBodyError: the body has too many objects, lists or lines.
    """
    body = unpack(packed, encoding, limit)
    if len(body) > MAX_LIGHT_OBJECTS and not _is_light(body):
        raise HeavyBodyError
    return function(body, *args)


def _is_light(body: bytes) -> bool:
    """Count objects, lists and lines. numpy takes a tenth of the time of `bytes.count`, which is slow for two bytes."""
    import numpy as np  # noqa: PLC0415 - bodies of this size are scored, which needs it too

    array = np.frombuffer(body, np.uint8)
    objects, lists, feeds, returns, escapes = (int(np.count_nonzero(array == one)) for one in b"{[\n\r\\")
    if escapes > MAX_LIGHT_LINES:
        feeds, returns = max(feeds, body.count(rb"\n")), max(returns, body.count(rb"\r"))
    return max(objects, lists) <= MAX_LIGHT_OBJECTS and max(feeds, returns) <= MAX_LIGHT_LINES


def work_on_large(packed: bytes, encoding: str, limit: int, function: Callable[[bytes, *Ts], T], *args: *Ts) -> T:
    """Decompress a large body, count its values, and call a function with it.

    Raises:
        BodyTooLargeError: the body has too many values.
    """
    body = unpack(packed, encoding, limit)
    del packed
    check_values(body)
    return function(body, *args)


def count_values(body: bytes) -> int:
    """Return the most values that JSON can have: its commas and opening brackets, including those in strings."""
    return sum(map(body.count, (b",", b"{", b"[")))


def check_values(body: bytes) -> None:
    """Refuse JSON with too many values. Real traces stay far below the limit.

    Raises:
        BodyTooLargeError: the body has more than MAX_VALUES.
    """
    if count_values(body) > MAX_VALUES:
        raise BodyTooLargeError(f"body: has more than {MAX_VALUES} values; send it in parts")


def check_encoding(encoding: str) -> None:
    """Check the encoding of a body before it is read.

    Raises:
        UnsupportedTypeError: the encoding is not supported.
    """
    if encoding not in ("identity", "", "gzip", "x-gzip", "zstd"):
        raise UnsupportedTypeError(f"Content-Encoding: {encoding!r} is not supported; send gzip, zstd or none")


def unpack(packed: bytes, encoding: str, limit: int) -> bytes:
    """Decompress a body up to a limit, in time linear in both sizes.

    Raises:
        UnsupportedTypeError: the encoding is not supported.
        BodyTooLargeError: the decompressed body exceeds the limit.
        InvalidInputError: the body can't be decompressed.
    """
    check_encoding(encoding)
    if encoding in ("identity", ""):
        return packed
    whole, members = io.BytesIO(), 0
    decoder = None
    for start in range(0, len(packed), _PIECE_BYTES):
        piece = packed[start : start + _PIECE_BYTES]
        while piece:
            if decoder is None:
                members += 1
                decoder = _open_decoder(encoding, members)
            try:
                whole.write(decoder.decompress(piece, limit + 1 - whole.tell()))
            except (zstd.ZstdError, zlib.error):
                raise InvalidInputError(f"body: not valid {encoding}; correct it, or Content-Encoding") from None
            if whole.tell() > limit:
                raise too_large_error(limit)
            piece = decoder.unused_data if decoder.eof else b""
            decoder = None if decoder.eof else decoder
    if decoder is not None:
        raise InvalidInputError(f"body: the {encoding} data is truncated; send all of it")
    return whole.getvalue()


def _open_decoder(encoding: str, members: int) -> "zstd.ZstdDecompressor | zlib._Decompress":
    """Return a decoder for the next member (or frame). Compressed data may consist of several."""
    if members > MAX_MEMBERS:
        raise InvalidInputError(f"body: consists of more than {MAX_MEMBERS} {encoding} members; compress it as one")
    return zstd.ZstdDecompressor(options=_OPTIONS) if encoding == "zstd" else zlib.decompressobj(wbits=31)


def too_large_error(limit: int) -> BodyTooLargeError:
    """Return the error for a body over a limit."""
    allowed = f"{limit // MIB} MiB (MAX_BODY_MB)" if limit >= MIB else f"{limit // 1024} KiB"
    return BodyTooLargeError(f"body: larger than {allowed}; send less at once")
