"""Server-Sent Events: a stream as a response that goes on until somebody ends it."""

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
from core.stream.subscription import Subscription
from functions.web.negotiation import read_preferences

MEDIA_TYPE = "text/event-stream"
HEARTBEAT_S = 15.0
RETRY_MS = 1000
"""How long a browser waits before it connects again."""
HEADERS = {
    "Cache-Control": "no-store",
    # Proxies shall pass on each event as it comes.
    "X-Accel-Buffering": "no",
}


def wants_events(request: Request) -> bool:
    """Whether the client names the type of an event stream in Accept."""
    return read_preferences(request, "accept").get(MEDIA_TYPE, 0.0) > 0


class EventStream(Response):
    """A stream that is opened when the response is sent, so that it is closed whatever becomes of that."""

    media_type = MEDIA_TYPE

    def __init__(self, subscribe: Callable[[], AbstractAsyncContextManager[Subscription]]) -> None:
        super().__init__(headers=HEADERS)
        del self.headers["content-length"]
        self._subscribe = subscribe

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Open the stream, or raise why not, and send events until it ends or the client leaves."""
        async with self._subscribe() as subscription:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            await work_until_gone(receive, _send_events(subscription, send), gone="http.disconnect")


async def work_until_gone(receive: Receive, work: Coroutine[Any, Any, None], *, gone: str) -> None:
    """Do the work until it is done or the client has left; what else the client says is not looked at."""
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

    known = _read_place(subscription)
    await write(f"retry: {RETRY_MS}\nid: {known}\n\n".encode())
    try:
        while True:
            known = await _send_next(subscription, write, known)
    except ThunderError as error:
        if error.status in (401, 403):
            await write(b"event: revoked\ndata: " + orjson.dumps({"message": str(error)}) + b"\n\n")
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _send_next(subscription: Subscription, write: Callable[[bytes], Awaitable[None]], known: str) -> str:
    """Send the next event, or a heartbeat; return the position that the client then has."""
    message = await subscription.next(HEARTBEAT_S)
    if message is None:
        place = _read_place(subscription)
        await write(b":\n\n" if place == known else f":\nid: {place}\n\n".encode())
        return place
    await write(message.event)
    return known if message.position is None else message.position


def _read_place(subscription: Subscription) -> str:
    return "" if subscription.place is None else subscription.place.write()
