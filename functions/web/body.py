"""Bodies: read up to a limit, unpacked up to the same limit."""

import zlib
from collections.abc import Callable, Collection
from typing import Any, TypeVar

import msgspec
from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from core.document.parse import describe_validation, parse_json
from core.errors import InvalidInputError, ThunderError
from core.wire.zstandard import zstd
from functions.web.context import Context

Model = TypeVar("Model", bound=BaseModel)

JSON = "application/json"
MIB = 1024 * 1024
SMALL_BODY_BYTES = 64 * 1024
"""What every body may have but traces and responses."""
MAX_MEMBERS = 100
"""Pieces of a packed body; each costs a copy of what follows it."""
DRAIN_FACTOR = 4
"""A body over the limit is read on to this many times the limit: most clients read no answer before they have sent."""


class BodyTooLargeError(ThunderError):
    """The body, as sent or as unpacked, is over MAX_BODY_MB."""

    status = 413


class UnsupportedTypeError(ThunderError):
    """The body's type or encoding is none that we read."""

    status = 415


async def read_large_body(request: Request, context: Context, *, types: Collection[str] = (JSON,)) -> bytes:
    """The unpacked body of a request, of one of these types; it may have MAX_BODY_MB.

    Raises:
        UnsupportedTypeError: it is declared as another type, or packed in a way we don't know.
        BodyTooLargeError: it is larger than `max_mb` MiB, packed or unpacked.
        InvalidInputError: it does not unpack.
    """
    limit = context.settings.max_body_mb * MIB
    packed = await _read_packed(request, limit, types)
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    return packed if encoding in ("identity", "") else await context.run(unpack, packed, encoding, limit)


async def read_model(request: Request, model: type[Model]) -> Model:
    """The small body of a request, checked.

    Raises:
        UnsupportedTypeError: it is not declared as JSON.
        BodyTooLargeError: it is no small body.
        InvalidInputError: it is no JSON, or not what the model says; the sentence names the place.
    """
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    body = unpack(await _read_packed(request, SMALL_BODY_BYTES, (JSON,)), encoding, SMALL_BODY_BYTES)
    try:
        return model.model_validate(parse_json(body) if body.strip() else {})
    except ValidationError as error:
        raise InvalidInputError(describe_validation(error)) from None


def read_type(request: Request) -> str:
    """The body's media type; JSON if the client names none."""
    return request.headers.get("content-type", JSON).partition(";")[0].strip().lower()


def describe_body(model: type[BaseModel]) -> dict[str, Any]:
    """What the OpenAPI document says of a body that the handler reads itself."""
    return _describe(model.model_json_schema(ref_template="#/components/schemas/{model}"))


def describe_struct(model: type[msgspec.Struct], hook: Callable[[type], dict[str, Any]]) -> dict[str, Any]:
    """The same of a body that msgspec reads."""
    template = "#/components/schemas/{name}"
    (schema,), known = msgspec.json.schema_components([model], schema_hook=hook, ref_template=template)
    return _describe({**schema, "$defs": known})


def _describe(schema: dict[str, Any]) -> dict[str, Any]:
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


async def _read_packed(request: Request, limit: int, types: Collection[str]) -> bytes:
    declared = read_type(request)
    if declared not in types:
        raise UnsupportedTypeError(f"Content-Type is {declared!r}; send {' or '.join(types)}")
    return await _read(request, limit)


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


def unpack(packed: bytes, encoding: str, limit: int) -> bytes:
    """Unpack a body, up to a limit. Pure; may take long."""
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
    for _ in range(MAX_MEMBERS):
        if not packed:
            return unpacked
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
    raise InvalidInputError(f"the body is in more than {MAX_MEMBERS} {encoding} pieces")


def _too_large(limit: int) -> BodyTooLargeError:
    allowed = f"{limit // MIB} MiB (MAX_BODY_MB)" if limit >= MIB else f"{limit // 1024} KiB"
    return BodyTooLargeError(f"the body is larger than {allowed}")
