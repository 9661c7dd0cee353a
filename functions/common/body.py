"""Bodies: read up to a limit, unpacked up to the same limit."""

import zlib

from starlette.requests import Request

from core.errors import InvalidInputError, ThunderError
from core.zstandard import zstd

MIB = 1024 * 1024
DRAIN_FACTOR = 4
"""A body over the limit is read on to this many times the limit: most clients read no answer before they have sent."""


class BodyTooLargeError(ThunderError):
    """The body, as sent or as unpacked, is over MAX_BODY_MB."""

    status = 413


class UnsupportedTypeError(ThunderError):
    """The body's type or encoding is none that we read."""

    status = 415


async def read_json_body(request: Request, *, max_mb: int) -> bytes:
    """The unpacked body of a request that carries JSON.

    Raises:
        UnsupportedTypeError: it is not declared as JSON, or packed in a way we don't know.
        BodyTooLargeError: it is larger than `max_mb` MiB, packed or unpacked.
        InvalidInputError: it does not unpack.
    """
    declared = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if declared != "application/json":
        raise UnsupportedTypeError(f"Content-Type is {declared!r}; send application/json")
    packed = await _read(request, max_mb * MIB)
    return _unpack(packed, request.headers.get("content-encoding", "identity").strip().lower(), max_mb * MIB)


async def _read(request: Request, limit: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size <= limit:
            parts.append(part)
        else:
            parts.clear()
        if size > limit * DRAIN_FACTOR:
            break
    if size > limit:
        raise _too_large(limit)
    return b"".join(parts)


def _unpack(packed: bytes, encoding: str, limit: int) -> bytes:
    match encoding:
        case "identity" | "":
            return packed
        case "gzip" | "x-gzip":
            return _unpack_members(packed, limit, encoding)
        case "zstd":
            return _unpack_members(packed, limit, encoding)
        case _:
            raise UnsupportedTypeError(f"Content-Encoding is {encoding!r}; send gzip, zstd or none")


def _unpack_members(packed: bytes, limit: int, encoding: str) -> bytes:
    """Both formats may hold several members in a row."""
    unpacked = b""
    while packed:
        decoder = zstd.ZstdDecompressor() if encoding == "zstd" else zlib.decompressobj(wbits=31)
        try:
            unpacked += decoder.decompress(packed, limit + 1 - len(unpacked))
        except (zstd.ZstdError, zlib.error):
            raise InvalidInputError(f"the body is not {encoding}, as its Content-Encoding says") from None
        if len(unpacked) > limit:
            raise _too_large(limit)
        if not decoder.eof:
            raise InvalidInputError(f"the body's {encoding} data is cut short")
        packed = decoder.unused_data
    return unpacked


def _too_large(limit: int) -> BodyTooLargeError:
    return BodyTooLargeError(f"the body is larger than {limit // MIB} MiB (MAX_BODY_MB)")
