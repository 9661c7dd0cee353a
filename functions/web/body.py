"""Receive request bodies up to a limit, and decompress them up to the same limit."""

from collections.abc import AsyncGenerator, Callable, Collection
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, replace
from typing import Any, TypeVar, TypeVarTuple

import msgspec
from starlette.requests import Request

from functions.web.account import find_account
from functions.web.budget import Reservation
from functions.web.context import Context
from functions.web.spool import Part, Spool
from functions.web.unpack import (
    MIB,
    BodyTooLargeError,
    HeavyBodyError,
    UnsupportedTypeError,
    check_encoding,
    too_large_error,
    unpack,
    work_on,
    work_on_large,
)

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

JSON = "application/json"
PROTOBUF = "application/x-protobuf"
LIGHT_BYTES = 4 * MIB
"""Largest decompressed body or document that is processed in this process, if it has few objects. Parsing it holds the
GIL for at most a tenth of a second."""
DRAIN_FACTOR = 4
"""A body over the limit is read up to this multiple of it, because most clients read only after sending all of it."""


@dataclass(frozen=True, slots=True)
class Body:
    """A received body, and its share of the process's byte budget.

    Attributes:
        part: its bytes in the spool.
        encoding: its Content-Encoding.
        limit: maximum bytes after decompression.
        reservation: its bytes in the budget.
    """

    context: Context
    part: Part
    encoding: str
    limit: int
    reservation: Reservation

    @property
    def is_packed(self) -> bool:
        """Whether the body is compressed."""
        return self.encoding not in ("identity", "")

    def take(self, part: Part) -> "Body":
        """Return a decompressed part as a separate body."""
        return replace(self, part=part, encoding="identity")

    async def work(self, function: Callable[[bytes, *Ts], T], *args: *Ts, is_apart: bool = False) -> T:
        """Decompress the body and call a function with it, in a separate process if it is large or `is_apart`.

        Raises:
            BodyTooLargeError: the decompressed body exceeds the limit, or has too many values.
            InvalidInputError: the body can't be decompressed.
            BusyError: the byte budget is used up.
            TooHeavyError: processing needs too much memory or time.
        """
        most = self.limit
        if self.part.size <= LIGHT_BYTES and not is_apart:
            try:
                return await self._work_here(work_on, function, *args)
            except HeavyBodyError:
                most = LIGHT_BYTES
            except BodyTooLargeError:
                if self.limit <= LIGHT_BYTES:
                    raise
        if self.is_packed:
            self.reservation.grow_to(most)
        return await self.context.run_heavy(
            self.reservation.account, work_on_large, self.part, self.encoding, self.limit, function, *args
        )

    async def unpack_into(self, spool: Spool) -> None:
        """Decompress the body into a spool. This happens in this process, because decompression releases the GIL.

        Raises:
            BodyTooLargeError: the decompressed body exceeds the limit.
            InvalidInputError: the body can't be decompressed.
            BusyError: the byte budget is used up.
        """
        try:
            content = await self._work_here(unpack)
        except BodyTooLargeError:
            self.reservation.grow_to(self.limit)
            async with self.context.heavy_turns.turn(self.reservation.account):
                content = await self.context.run(unpack, self.part.read(), self.encoding, self.limit)
        await self.context.run(spool.write, content)
        self.reservation.shrink_to(self.part.size + spool.size)

    async def _work_here(self, function: Callable[[bytes, str, int, *Ts], T], *args: *Ts) -> T:
        def work() -> T:
            return function(self.part.read(), self.encoding, min(self.limit, LIGHT_BYTES), *args)

        return await self.context.run_light(self.reservation.account, work)


@asynccontextmanager
async def receive_body(request: Request, context: Context, *, types: Collection[str] = (JSON,)) -> AsyncGenerator[Body]:
    """Receive a body of one of these types, up to MAX_BODY_MB, and keep it until the end of the block.

    Authenticate the caller first, because the body counts for the caller's account.

    Raises:
        UnsupportedTypeError: Content-Type or Content-Encoding is not supported.
        BodyTooLargeError: the body is larger than MAX_BODY_MB before decompression.
        BusyError: the byte budget is used up.
    """
    limit = context.settings.max_body_mb * MIB
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    check_type(request, types)
    check_encoding(encoding)
    with context.budget.reserve(await find_account(request)) as reservation, closing(Spool()) as spool:

        def keep(part: bytes) -> None:
            reservation.grow(len(part))
            spool.write(part)

        await receive(request, limit, keep)
        yield Body(context, Part(spool, 0, spool.size), encoding, limit, reservation)


def read_type(request: Request) -> str:
    """Return the media type of the body; JSON if there is no Content-Type."""
    return request.headers.get("content-type", JSON).partition(";")[0].strip().lower()


def describe_struct(model: type[msgspec.Struct], hook: Callable[[type], dict[str, Any]]) -> dict[str, Any]:
    """Describe a body that msgspec parses, for the OpenAPI document."""
    template = "#/components/schemas/{name}"
    (schema,), known = msgspec.json.schema_components([model], schema_hook=hook, ref_template=template)
    content = {JSON: {"schema": {**schema, "$defs": known}}}
    return {"requestBody": {"required": True, "content": content}}


def check_type(request: Request, types: Collection[str]) -> None:
    """Check the media type of a body.

    Raises:
        UnsupportedTypeError: it is not one of these types.
    """
    declared = read_type(request)
    if declared not in types:
        raise UnsupportedTypeError(f"Content-Type: {declared!r} is not supported; send {' or '.join(types)}")


async def receive(request: Request, limit: int, keep: Callable[[bytes], None]) -> None:
    """Pass the parts of a body to a function.

    Raises:
        BodyTooLargeError: the body has more bytes than the limit.
    """
    size = 0
    async for part in request.stream():
        size += len(part)
        if size <= limit:
            keep(part)
        elif size > limit * DRAIN_FACTOR:
            break
    if size > limit:
        raise too_large_error(limit)
