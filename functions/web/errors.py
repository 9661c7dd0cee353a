"""Turn errors into answers of one shape: `{"error": sentence, "message": sentence, "code": status}`."""

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

from core.access.caller import SignedOutError
from core.errors import ThunderError
from core.wire.validation import describe_message, describe_problems
from functions.web.access import set_cookie
from functions.web.activation_errors import has_more_fields, list_more_fields
from functions.web.context import Context, slow_down
from functions.web.negotiation import wants_page
from functions.web.viewer import has_viewer, render_viewer

log = logging.getLogger(__name__)

RETRY_AFTER_S = "2"
RETRIES_AFTER_S = {429: "60", 503: RETRY_AFTER_S}
NO_REFERENCE = "path: /docs does not exist; open /openapi.json with an OpenAPI tool"
POLICY_VIOLATION = 1008
INTERNAL_ERROR = 1011
MAX_REASON_BYTES = 123


def render_error(
    status: int, sentence: str, headers: Mapping[str, str] | None = None, error_code: str | None = None
) -> JSONResponse:
    """Render an error. `error` and `message` are equal: the UI shows `message`."""
    more = list_more_fields(status, error_code)
    return JSONResponse({"error": sentence, "message": sentence, "code": status, **more}, status, headers)


def add_error_handlers(app: FastAPI) -> None:
    """Register handlers for the expected errors. AlwaysAnswer handles all others."""
    app.exception_handler(ThunderError)(_answer_thunder_error)
    app.exception_handler(HTTPException)(_answer_http_exception)
    app.exception_handler(RequestValidationError)(_answer_validation_error)
    app.exception_handler(WebSocketRequestValidationError)(_close_for_validation_error)


async def _answer_thunder_error(request: Request, error: ThunderError) -> JSONResponse:
    try:
        await slow_down(request, error)
    except ThunderError as refusal:
        error = refusal
    status = error.status
    context: Context = request.app.state.context
    if status >= 500 and context.repeats.is_due(error):
        log.warning("%s: %s", type(error).__name__, error, exc_info=error.__cause__)
    headers = {"Retry-After": RETRIES_AFTER_S[status]} if status in RETRIES_AFTER_S else None
    if status == 401:
        headers = {"WWW-Authenticate": "Bearer"}
    response = render_error(status, str(error), headers, error.error_code)
    if isinstance(error, SignedOutError):
        await set_cookie(request, response, None)
    return response


async def _answer_http_exception(request: Request, error: HTTPException) -> Response:
    path = request.url.path
    sentences = {
        404: NO_REFERENCE if path == "/docs" else f"path: {path} does not exist; see /openapi.json",
        405: f"method: {path} does not allow {request.method}; see /openapi.json",
    }
    sentence = sentences.get(error.status_code, str(error.detail))
    if error.status_code == 404 and has_viewer(request) and wants_page(request) and not has_more_fields():
        answer = render_viewer(path, title="Not found", description=sentence)
        answer.status_code = 404
        return answer
    return render_error(error.status_code, sentence, error.headers)


async def _answer_validation_error(_: Request, error: RequestValidationError) -> JSONResponse:
    return render_error(400, describe_request(error))


async def _close_for_validation_error(socket: WebSocket, error: WebSocketRequestValidationError) -> None:
    with contextlib.suppress(WebSocketDisconnect, OSError):  # the client has left
        await socket.accept()
        await socket.close(POLICY_VIOLATION, clip_reason(describe_request(error)))


def describe_request(error: RequestValidationError | WebSocketRequestValidationError) -> str:
    """Describe the problems of a request in a sentence that names the fields, as in `query.limit` or `tag`."""
    body = [{**one, "loc": one["loc"][1:]} for one in error.errors() if one["loc"][0] == "body"]
    others = (one for one in error.errors() if one["loc"][0] != "body")
    sentences = [f"{'.'.join(str(part) for part in one['loc'])}: {describe_message(one)}" for one in others]
    return "; ".join([*sentences, *([describe_problems(body)] if body else [])])


def clip_reason(sentence: str) -> str:
    """Truncate a sentence to the size of the reason in a WebSocket close frame."""
    return sentence.encode()[:MAX_REASON_BYTES].decode(errors="ignore")


async def refuse(scope: Scope, receive: Receive, send: Send, response: JSONResponse) -> None:
    """Refuse a request with a response. A WebSocket handshake gets the response too if the server supports it."""
    if scope["type"] == "websocket" and "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": POLICY_VIOLATION})
    else:
        await response(scope, receive, send)


STARTS = ("http.response.start", "websocket.accept", "websocket.close", "websocket.http.response.start")
"""The ASGI messages that start an answer; each can be sent only once."""


class AlwaysAnswer:
    """ASGI middleware that turns unexpected exceptions into a 500.

    It is the outermost middleware except for CORS and logging. Modal would count an exception that leaves the
    application as a failed call.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request. The sentence of a 500 contains an id that finds the exception in the log."""
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
            log.info("the client of %s has disconnected", describe_path(scope))
        except Exception:
            trace_id = uuid.uuid4().hex
            method = scope.get("method", "WEBSOCKET")
            log.exception("unexpected error %s at %s %s", trace_id, method, describe_path(scope))
            sentence = f"internal error; the server's log has the details under {trace_id}"
            if not started:
                await refuse(scope, receive, send, render_error(500, sentence))
            elif scope["type"] == "websocket":
                with contextlib.suppress(OSError, RuntimeError):  # the connection may be closed
                    await send({"type": "websocket.close", "code": INTERNAL_ERROR, "reason": sentence})


def describe_path(scope: Scope) -> str:
    """Return the path for the log, in one line and without the secret token of share links."""
    path: str = scope["path"]
    return "/share/…" if "/share" in path else path.encode("unicode_escape").decode()
