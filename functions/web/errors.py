"""Errors as answers: one shape, `{"error": sentence, "message": the same, "code": status}`, whatever went wrong."""

import contextlib
import logging
import uuid
from collections.abc import Mapping, MutableMapping
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError, WebSocketRequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from core.errors import ThunderError
from functions.web.context import slow_down
from functions.web.negotiation import wants_page
from functions.web.viewer import has_viewer, render_viewer

log = logging.getLogger(__name__)

RETRY_AFTER_S = "2"
RETRIES_AFTER_S = {429: "60", 503: RETRY_AFTER_S}
NO_REFERENCE = "there is no reference to click through here; open /openapi.json with a tool of yours"
POLICY_VIOLATION = 1008
INTERNAL_ERROR = 1011
MAX_REASON_BYTES = 123


def render_error(status: int, sentence: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """The one shape of an error. The UI shows `message`."""
    return JSONResponse({"error": sentence, "message": sentence, "code": status}, status, headers)


def add_error_handlers(app: FastAPI) -> None:
    """Register the handlers of the errors that are expected; AlwaysAnswer takes the others."""
    app.add_exception_handler(ThunderError, _answer_thunder_error)
    app.add_exception_handler(HTTPException, _answer_http_exception)
    app.add_exception_handler(RequestValidationError, _answer_validation_error)
    app.add_exception_handler(WebSocketRequestValidationError, _close_for_validation_error)


async def _answer_thunder_error(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, ThunderError):
        raise error
    try:
        await slow_down(request, error)
    except ThunderError as refusal:
        error = refusal
    status = error.status
    if status >= 500:
        log.warning("%s: %s", type(error).__name__, error, exc_info=error.__cause__)
    headers = {"Retry-After": RETRIES_AFTER_S[status]} if status in RETRIES_AFTER_S else None
    if status == 401:
        headers = {"WWW-Authenticate": "Bearer"}
    return render_error(status, str(error), headers)


async def _answer_http_exception(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    sentences = {
        404: NO_REFERENCE if request.url.path == "/docs" else f"there is nothing at {request.url.path}",
        405: f"{request.method} is not possible at {request.url.path}",
    }
    sentence = sentences.get(error.status_code, str(error.detail))
    if error.status_code == 404 and has_viewer(request) and wants_page(request):
        return render_viewer(title="There is nothing here", description=sentence, status=404)
    return render_error(error.status_code, sentence, error.headers)


async def _answer_validation_error(_: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, RequestValidationError):
        raise error
    return render_error(400, describe_problems(error))


async def _close_for_validation_error(socket: WebSocket, error: Exception) -> None:
    if not isinstance(error, WebSocketRequestValidationError):
        raise error
    with contextlib.suppress(WebSocketDisconnect, OSError):  # the client has left
        await socket.accept()
        await socket.close(POLICY_VIOLATION, clip_reason(describe_problems(error)))


def describe_problems(error: RequestValidationError | WebSocketRequestValidationError) -> str:
    """What is wrong with a request, in a sentence that names the places."""
    return "; ".join(f"{'.'.join(str(part) for part in one['loc'])}: {one['msg']}" for one in error.errors())


def clip_reason(sentence: str) -> str:
    """As much of a sentence as a WebSocket's close frame has room for."""
    return sentence.encode()[:MAX_REASON_BYTES].decode(errors="ignore")


async def refuse(scope: Scope, receive: Receive, send: Send, response: JSONResponse) -> None:
    """Answer a request that gets no further; a WebSocket's handshake as well, where the server can."""
    if scope["type"] == "websocket" and "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": POLICY_VIOLATION})
    else:
        await response(scope, receive, send)


STARTS = ("http.response.start", "websocket.accept", "websocket.close", "websocket.http.response.start")
"""What can be sent once."""


class AlwaysAnswer:
    """Outermost but for CORS: an exception that left the application would count as a failed call on Modal."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve, and answer 500 for what nobody expected; the sentence carries an id to find it in the log by."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        started = False

        async def note_start(message: MutableMapping[str, Any]) -> None:
            nonlocal started
            started = started or message["type"] in STARTS
            await send(message)

        try:
            await self.app(scope, receive, note_start)
        except (ClientDisconnect, WebSocketDisconnect):
            log.info("the client of %s went away", tell_path(scope))
        except Exception:
            trace_id = uuid.uuid4().hex
            method = scope.get("method", "WEBSOCKET")
            log.exception("unexpected error %s at %s %s", trace_id, method, tell_path(scope))
            sentence = f"something went wrong on our side; the log has it under {trace_id}"
            if not started:
                await refuse(scope, receive, send, render_error(500, sentence))
            elif scope["type"] == "websocket":
                with contextlib.suppress(OSError, RuntimeError):  # it may be closed
                    await send({"type": "websocket.close", "code": INTERNAL_ERROR, "reason": sentence})


def tell_path(scope: Scope) -> str:
    """The path for the log, in one line. What follows /share is a secret."""
    path: str = scope["path"]
    return "/share/…" if "/share" in path else path.encode("unicode_escape").decode()
