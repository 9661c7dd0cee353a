"""Routes whose body is small: it is received up to a limit, and parsed as strict JSON into a typed parameter."""

from collections.abc import Callable, Coroutine
from typing import Any, ClassVar

from fastapi import Request, Response
from fastapi.routing import APIRoute
from typing_extensions import override

from core.wire.parse_json import parse_json
from functions.web.body import JSON, check_type, receive
from functions.web.unpack import unpack

SMALL_BODY_BYTES = 64 * 1024
"""Limit of most bodies other than traces and responses."""
MEDIUM_BODY_BYTES = 1024 * 1024


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
            return await handle(_Received(request, await _receive_json(request, self.most_bytes)))

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


async def _receive_json(request: Request, most_bytes: int) -> object:
    """Receive a body and parse it; a blank one is an empty object.

    Raises:
        UnsupportedTypeError: Content-Type or Content-Encoding is not supported.
        BodyTooLargeError: the body has more than `most_bytes`.
        InvalidInputError: the body is not JSON.
    """
    check_type(request, (JSON,))
    packed = bytearray()
    await receive(request, most_bytes, packed.extend)
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    body = unpack(bytes(packed), encoding, most_bytes)
    return parse_json(body if body.strip() else b"{}")
