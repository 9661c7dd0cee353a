"""Server-Sent Events: a response that stays open until the stream ends or the client leaves."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from typing import Any

import orjson
from fastapi import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from typing_extensions import override

from core.errors import ThunderError
from core.stream.page import RestoredError
from core.stream.subscription import Subscription
from functions.web.negotiation import read_preferences

MEDIA_TYPE = "text/event-stream"
HEARTBEAT_S = 15.0
RETRY_MS = 1000
"""How long a browser waits before it reconnects."""
HEADERS = {
    "Cache-Control": "no-store",
    # Proxies must forward each event immediately.
    "X-Accel-Buffering": "no",
}


def wants_events(request: Request) -> bool:
    """Return whether the client's Accept header includes text/event-stream."""
    return read_preferences(request, "accept").get(MEDIA_TYPE, 0.0) > 0


class EventStream(Response):
    """A response that opens its stream when it is sent, so that the stream is always closed."""

    media_type = MEDIA_TYPE

    def __init__(self, subscribe: Callable[[], AbstractAsyncContextManager[Subscription]]) -> None:
        super().__init__(headers=HEADERS)
        del self.headers["content-length"]
        self._subscribe = subscribe

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Open the stream, and send events until it ends or the client leaves.

        Raises:
            ThunderError: the stream could not be opened.
        """
        async with self._subscribe() as subscription:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            await run_until_disconnect(receive, _send_events(subscription, send), gone="http.disconnect")


async def run_until_disconnect(receive: Receive, work: Coroutine[Any, Any, None], *, gone: str) -> None:
    """Run the work until it is done or the client has left. Other messages from the client are ignored."""
    working = asyncio.ensure_future(work)
    watching = asyncio.ensure_future(_watch(receive, gone))
    try:
        await asyncio.wait({working, watching}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            working.result()
    finally:
        for task in (working, watching):
            task.cancel()
        await asyncio.gather(working, watching, return_exceptions=True)


async def _watch(receive: Receive, gone: str) -> None:
    while (await receive())["type"] != gone:
        pass


async def _send_events(subscription: Subscription, send: Send) -> None:
    async def write(event: bytes) -> None:
        await send({"type": "http.response.body", "body": event, "more_body": True})

    known = _write_position(subscription)
    await write(f"retry: {RETRY_MS}\nid: {known}\n\n".encode())
    try:
        while True:
            known = await _send_next(subscription, write, known)
    except ThunderError as error:
        message = orjson.dumps({"message": str(error)})
        if error.status in (401, 403):
            await write(b"event: revoked\ndata: " + message + b"\n\n")
        elif isinstance(error, RestoredError):  # the empty id makes browsers forget their position
            await write(b"event: restored\nid:\ndata: " + message + b"\n\n")
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _send_next(subscription: Subscription, write: Callable[[bytes], Awaitable[None]], known: str) -> str:
    """Send the next event or a heartbeat, and return the client's new position."""
    message = await subscription.next(HEARTBEAT_S)
    if message is None:
        position = _write_position(subscription)
        await write(b":\n\n" if position == known else f":\nid: {position}\n\n".encode())
        return position
    await write(message.event)
    return known if message.position is None else message.position


def _write_position(subscription: Subscription) -> str:
    return "" if subscription.position is None else subscription.position.write()
