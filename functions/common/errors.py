"""Errors as answers: one shape, `{"error": sentence, "message": the same, "code": status}`, whatever went wrong."""

import logging
import uuid
from collections.abc import Mapping, MutableMapping
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from core.errors import ThunderError

log = logging.getLogger(__name__)

RETRY_AFTER_S = "2"


def render_error(status: int, sentence: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """The one shape of an error. The UI shows `message`."""
    return JSONResponse({"error": sentence, "message": sentence, "code": status}, status, headers)


def add_error_handlers(app: FastAPI) -> None:
    """Register the handlers of the errors that are expected; AlwaysAnswer takes the others."""
    app.add_exception_handler(ThunderError, _answer_thunder_error)
    app.add_exception_handler(HTTPException, _answer_http_exception)
    app.add_exception_handler(RequestValidationError, _answer_validation_error)


async def _answer_thunder_error(_: Request, error: Exception) -> JSONResponse:
    status = error.status if isinstance(error, ThunderError) else 500
    if status >= 500:
        log.warning("%s: %s", type(error).__name__, error, exc_info=error.__cause__)
    headers = {"Retry-After": RETRY_AFTER_S} if status == 503 else None
    if status == 401:
        headers = {"WWW-Authenticate": "Bearer"}
    return render_error(status, str(error), headers)


async def _answer_http_exception(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, HTTPException):
        raise error
    sentences = {
        404: f"there is nothing at {request.url.path}",
        405: f"{request.method} is not possible at {request.url.path}",
    }
    return render_error(error.status_code, sentences.get(error.status_code, str(error.detail)), error.headers)


async def _answer_validation_error(_: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, RequestValidationError):
        raise error
    problems = [f"{'.'.join(str(part) for part in one['loc'])}: {one['msg']}" for one in error.errors()]
    return render_error(400, "; ".join(problems))


class AlwaysAnswer:
    """Outermost but for CORS: an exception that left the application would count as a failed call on Modal."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve, and answer 500 for what nobody expected; the sentence carries an id to find it in the log by."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        async def note_start(message: MutableMapping[str, Any]) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, note_start)
        except ClientDisconnect:
            log.info("the client of %s went away", _tell_path(scope))
        except Exception:
            trace_id = uuid.uuid4().hex
            log.exception("unexpected error %s at %s %s", trace_id, scope["method"], _tell_path(scope))
            if not started:
                sentence = f"something went wrong on our side; the log has it under {trace_id}"
                await render_error(500, sentence)(scope, receive, send)


def _tell_path(scope: Scope) -> str:
    """The path for the log. What follows /share is a secret."""
    path: str = scope["path"]
    return "/share/…" if path.startswith("/share") else path
