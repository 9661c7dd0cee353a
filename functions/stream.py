"""GET /logs/stream: send traces as they are stored, over a WebSocket or as Server-Sent Events."""

import contextlib
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Header, Request, Response, WebSocket
from starlette.websockets import WebSocketDisconnect

from core.errors import ThunderError
from core.stream.hub import ShutdownError
from core.stream.page import RestoredError
from core.stream.subscription import Subscription
from functions.web.access import KeyDep
from functions.web.context import ContextDep, slow_down
from functions.web.errors import POLICY_VIOLATION, clip_reason
from functions.web.events import HEARTBEAT_S, MEDIA_TYPE, EventStream, run_until_disconnect, wants_events
from functions.web.query import FiltersDep, TextParam
from functions.web.scaling import Scaling

SCALING = Scaling(max_inputs=250, target_inputs=200, memory_mb=512, timeout_s=3600)

DO_NOT_RECONNECT, SERVICE_RESTART, TRY_AGAIN_LATER = 1000, 1012, 1013

router = APIRouter(tags=["logs"])


class NotAcceptableError(ThunderError):
    """The request neither opens a WebSocket nor accepts an event stream."""

    status = 406


@router.get(
    "/logs/stream",
    status_code=200,
    response_class=EventStream,
    responses={200: {"content": {MEDIA_TYPE: {}}}, 406: {"description": "Accept does not include text/event-stream"}},
)
async def stream_events(  # noqa: PLR0913 - each is a parameter
    request: Request,
    context: ContextDep,
    key: KeyDep,
    filters: FiltersDep,
    *,
    api_key: TextParam = None,
    last_event_id: str | None = None,
    last_event_id_header: Annotated[str | None, Header(alias="Last-Event-ID")] = None,
) -> Response:
    """Send traces as they are stored, as Server-Sent Events. A WebSocket at the same path gets the same messages."""
    if not wants_events(request):
        raise NotAcceptableError("Accept: must include text/event-stream; send it, or open a WebSocket")
    key, user_key = choose_key(key, api_key)
    position = last_event_id_header or last_event_id or None
    return EventStream(partial(context.hub.subscribe, key, filters=filters, user_key=user_key, position=position))


@router.websocket("/logs/stream")
async def stream_messages(
    socket: WebSocket, context: ContextDep, key: KeyDep, filters: FiltersDep, *, api_key: TextParam = None
) -> None:
    """Send traces as they are stored, over a WebSocket."""
    if not is_allowed(socket.headers.get("origin"), context.settings.allowed_origins):
        await socket.close(POLICY_VIOLATION)
        return
    key, user_key = choose_key(key, api_key)
    accepted = False
    try:
        async with context.hub.subscribe(key, filters=filters, user_key=user_key) as subscription:
            await socket.accept()
            accepted = True
            await run_until_disconnect(
                socket.receive, _send_messages(subscription, socket), gone="websocket.disconnect"
            )
    except ThunderError as error:
        error = await _await_verdict(socket, error)
        with contextlib.suppress(WebSocketDisconnect, OSError, RuntimeError):  # the client has left
            if not accepted:
                await socket.accept()
            await socket.close(choose_close_code(error), clip_reason(str(error)))
    except (WebSocketDisconnect, OSError):
        pass  # the client has left


def choose_key(header: str | None, api_key: str | None) -> tuple[str | None, str | None]:
    """Return the API key and the selected user.

    Browsers can't send headers here, so without a header `api_key` is the API key; with one, it selects a user.
    """
    return (api_key or None, None) if header is None else (header, api_key or None)


def is_allowed(origin: str | None, allowed: str) -> bool:
    """Return whether ALLOWED_ORIGINS includes a page's origin. Clients other than browsers send no origin."""
    listed = [one.strip() for one in allowed.split(",")]
    return origin is None or "*" in listed or origin in listed


def choose_close_code(error: ThunderError) -> int:
    """Return the WebSocket close code of an error. Clients do not reconnect after 1000."""
    match error:
        case ShutdownError() | RestoredError():
            return SERVICE_RESTART
        case ThunderError(status=401 | 403):
            return DO_NOT_RECONNECT
        case ThunderError(status=400):
            return POLICY_VIOLATION
        case _:
            return TRY_AGAIN_LATER


async def _await_verdict(socket: WebSocket, error: ThunderError) -> ThunderError:
    """Delay a client that guesses keys, and return the error to close its WebSocket with."""
    try:
        await slow_down(socket, error)
    except ThunderError as refusal:
        return refusal
    return error


async def _send_messages(subscription: Subscription, socket: WebSocket) -> None:
    while True:
        message = await subscription.next(HEARTBEAT_S)
        if message is not None:
            await socket.send_text(message.text)
