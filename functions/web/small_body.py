"""Routes whose body is small: it is received up to a limit, and parsed as strict JSON into a typed parameter."""

from collections.abc import Callable, Coroutine
from typing import Any, ClassVar

from fastapi import Request, Response
from fastapi.routing import APIRoute
from typing_extensions import override

from core.wire.parse_json import parse_json
from functions.web.account import find_account
from functions.web.body import JSON, check_type, receive
from functions.web.budget import Reservation
from functions.web.context import Context
from functions.web.unpack import VALUE_BYTES, count_values, unpack

SMALL_BODY_BYTES = 64 * 1024
"""Limit of most bodies other than traces and responses."""
MEDIUM_BODY_BYTES = 1024 * 1024
FREE_BYTES = 128 * 1024
"""Memory of a request that is not reserved in the byte budget, so that small bodies are received even if it is used
up."""


class SmallBodyRoute(APIRoute):
    """A route that receives and parses its body before FastAPI validates it.

    FastAPI alone would receive a body of any size, and accept NaN.

    Attributes:
        most_bytes: size limit of the body, as sent and decompressed.
    """

    most_bytes: ClassVar[int] = SMALL_BODY_BYTES

    @override
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler of the route's requests."""
        self.strict_content_type = False  # a body without Content-Type is JSON
        handle = super().get_route_handler()
        if self.body_field is None:
            return handle

        async def receive_and_handle(request: Request) -> Response:
            await self.check_caller(request)
            context: Context = request.app.state.context
            with context.budget.reserve(await find_account(request)) as reservation:
                content = await _receive_json(request, context, self.most_bytes, reservation)
                return await handle(_Received(request, content))

        return receive_and_handle

    async def check_caller(self, request: Request) -> None:
        """Check the caller before the body is received. Most routes check it only when the body is valid."""


class _Received(Request):
    """A request whose body was received and parsed."""

    def __init__(self, request: Request, content: object) -> None:
        super().__init__(request.scope, request.receive)
        self._content = content

    @override
    async def body(self) -> bytes:
        return b"{}"  # any value: FastAPI only checks that a body exists

    @override
    async def json(self) -> object:
        return self._content


class MediumBodyRoute(SmallBodyRoute):
    """The same for the playground, whose prompts, code and texts are longer."""

    most_bytes = MEDIUM_BODY_BYTES


async def _receive_json(request: Request, context: Context, most_bytes: int, reservation: Reservation) -> object:
    """Receive a body and parse it, in a thread unless it is small; a blank one is an empty object.

    Raises:
        UnsupportedTypeError: Content-Type or Content-Encoding is not supported.
        BodyTooLargeError: the body has more than `most_bytes`.
        BusyError: the byte budget is used up.
        InvalidInputError: the body is not JSON.
    """
    check_type(request, (JSON,))
    packed = bytearray()

    def keep(part: bytes) -> None:
        packed.extend(part)
        reservation.grow_to(len(packed) - FREE_BYTES)

    await receive(request, most_bytes, keep)
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if most_bytes <= SMALL_BODY_BYTES:
        body, size = _unpack(packed, encoding, most_bytes)
        reservation.grow_to(size - FREE_BYTES)
        return parse_json(body)
    # Here, bodies that end at the same time would delay other requests.
    body, size = await context.run_light(reservation.account, _unpack, packed, encoding, most_bytes)
    reservation.grow_to(size - FREE_BYTES)
    return await context.run_light(reservation.account, parse_json, body)


def _unpack(packed: bytearray, encoding: str, most_bytes: int) -> tuple[bytes, int]:
    """Return a decompressed body, and the memory that it takes once it is parsed."""
    body = unpack(bytes(packed), encoding, most_bytes)
    return body if body.strip() else b"{}", len(body) + count_values(body) * VALUE_BYTES
