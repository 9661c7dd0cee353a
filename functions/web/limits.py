"""Limit requests before they are handled: the length of path, query and headers, and the pace of the body."""

import asyncio
from collections.abc import MutableMapping
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.errors import ThunderError
from functions.web.errors import refuse, render_error

MAX_HEADER_BYTES = 32 * 1024
MAX_QUERY_BYTES = 8 * 1024
MAX_PATH_CHARACTERS = 4 * 1024
BODY_PAUSE_S = 15
"""Maximum pause between two parts of a body."""
MIN_BYTES_PER_S = 16 * 1024
"""Minimum average rate of a body after its first BODY_PAUSE_S."""
BODY_TOTAL_S = 120
"""Maximum time for a whole body, so that a slow client cannot occupy a slot."""


class SlowBodyError(ThunderError):
    """The body was not received in time."""

    status = 408


class Limits:
    """ASGI middleware that refuses requests with a long head, and requests whose bodies arrive too slowly."""

    def __init__(self, app: ASGIApp, *, pause_s: float = BODY_PAUSE_S, total_s: float = BODY_TOTAL_S) -> None:
        self.app = app
        self.pause_s = pause_s
        self.total_s = total_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request within the limits."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        elif refused := _find_excess(scope):
            await refuse(scope, receive, send, render_error(*refused))
        elif scope["type"] == "websocket":
            await self.app(scope, receive, send)
        else:
            await self.app(scope, _Patient(receive, self.pause_s, self.total_s), send)


class _Patient:
    """Receive a body as long as it arrives fast enough."""

    def __init__(self, receive: Receive, pause_s: float, total_s: float) -> None:
        self.receive = receive
        self.pause_s = pause_s
        self.began = asyncio.get_running_loop().time()
        self.deadline = self.began + total_s
        self.received = 0
        self.complete = False

    async def __call__(self) -> Message:
        if self.complete:  # the application waits for the client to disconnect
            return await self.receive()
        slowest = self.began + self.pause_s + self.received / MIN_BYTES_PER_S
        left = min(self.deadline, slowest) - asyncio.get_running_loop().time()
        try:
            message: MutableMapping[str, Any] = await asyncio.wait_for(self.receive(), min(self.pause_s, left))
        except TimeoutError:
            raise SlowBodyError("body: did not arrive in time; send it faster") from None
        self.received += len(message.get("body", b""))
        self.complete = not message.get("more_body", False)
        return message


def _find_excess(scope: Scope) -> tuple[int, str] | None:
    headers = sum(len(name) + len(value) for name, value in scope["headers"])
    if headers > MAX_HEADER_BYTES:
        return 431, f"headers: longer than {MAX_HEADER_BYTES} bytes; send less"
    if len(scope["query_string"]) > MAX_QUERY_BYTES:
        return 414, f"query: longer than {MAX_QUERY_BYTES} bytes; shorten it"
    if len(scope["path"]) > MAX_PATH_CHARACTERS:
        return 414, f"path: longer than {MAX_PATH_CHARACTERS} characters; shorten it"
    return None
