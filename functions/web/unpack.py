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
"""Members of a compressed body."""
MAX_WINDOW_LOG = 25
"""Largest window of a zstd frame: 32 MiB. Levels up to 19 need 8 MiB."""
MAX_VALUES = 16_000_000
"""Values and openings of lists and objects in a body. A trace has one in 18 bytes, the densest list of numbers one in
three; `{},{},…` has two in three, each taking 80 bytes once it is parsed."""

MAX_LIGHT_OBJECTS = 25_000
"""Objects of a body that is processed in this process. Scoring tokens without lists takes 20 µs for each."""
MAX_LIGHT_LINES = 250_000

_PIECE_BYTES = 64 * 1024
_OPTIONS: dict[int, int] = {zstd.DecompressionParameter.window_log_max: MAX_WINDOW_LOG}


class BodyTooLargeError(ThunderError):
    """The body exceeds a limit, compressed or decompressed."""

    status = 413


class HeavyBodyError(Exception):
    """The body is small, and takes too long to process here."""


class UnsupportedTypeError(ThunderError):
    """The type or the encoding of the body is not supported."""

    status = 415


def work_on(packed: bytes, encoding: str, limit: int, function: Callable[[bytes, *Ts], T], *args: *Ts) -> T:
    """Decompress a body and call a function with it.

    Raises:
        HeavyBodyError: the body has too many objects or lines.
    """
    body = unpack(packed, encoding, limit)
    if body.count(b"{") > MAX_LIGHT_OBJECTS or body.count(b"\n") > MAX_LIGHT_LINES:
        raise HeavyBodyError
    return function(body, *args)


def work_on_large(packed: bytes, encoding: str, limit: int, function: Callable[[bytes, *Ts], T], *args: *Ts) -> T:
    """Do the same with a body that may be large, and scan it before it is parsed."""
    body = unpack(packed, encoding, limit)
    del packed
    check_values(body)
    return function(body, *args)


def check_values(body: bytes) -> None:
    """Refuse JSON with too many values. Characters inside strings count too; real traces stay far below the limit.

    Raises:
        BodyTooLargeError: there are too many.
    """
    if sum(map(body.count, (b",", b"{", b"["))) > MAX_VALUES:
        raise BodyTooLargeError(f"the body has more than {MAX_VALUES} values: send it in parts")


def check_encoding(encoding: str) -> None:
    """Refuse an unknown encoding before the body is read.

    Raises:
        UnsupportedTypeError: we do not.
    """
    if encoding not in ("identity", "", "gzip", "x-gzip", "zstd"):
        raise UnsupportedTypeError(f"Content-Encoding is {encoding!r}; send gzip, zstd or none")


def unpack(packed: bytes, encoding: str, limit: int) -> bytes:
    """Decompress a body up to a limit, in time linear in both sizes.

    Raises:
        UnsupportedTypeError: the encoding is not known.
        BodyTooLargeError: it is larger than the limit.
        InvalidInputError: it does not unpack.
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
                raise InvalidInputError(f"the body is not {encoding}, as its Content-Encoding says") from None
            if whole.tell() > limit:
                raise too_large(limit)
            piece = decoder.unused_data if decoder.eof else b""
            decoder = None if decoder.eof else decoder
    if decoder is not None:
        raise InvalidInputError(f"the body's {encoding} data is cut short")
    return whole.getvalue()


def _open_decoder(encoding: str, members: int) -> "zstd.ZstdDecompressor | zlib._Decompress":
    """Decompress all members: gzip and zstd data may hold several in a row."""
    if members > MAX_MEMBERS:
        raise InvalidInputError(f"the body is in more than {MAX_MEMBERS} {encoding} pieces")
    return zstd.ZstdDecompressor(options=_OPTIONS) if encoding == "zstd" else zlib.decompressobj(wbits=31)


def too_large(limit: int) -> BodyTooLargeError:
    """Return the error for a body over a limit."""
    allowed = f"{limit // MIB} MiB (MAX_BODY_MB)" if limit >= MIB else f"{limit // 1024} KiB"
    return BodyTooLargeError(f"the body is larger than {allowed}")
