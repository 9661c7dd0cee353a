"""Give each request an id, find its client's address, log it and count it. Headers, query and body are never logged."""

import logging
import re
import secrets
import time
from collections.abc import MutableMapping
from typing import TYPE_CHECKING, Any

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from core.access.turns import client_address
from core.logging import http_request_id
from core.settings import DEPLOYMENT_HEADER
from functions.web.address import find_address
from functions.web.context import Context
from functions.web.errors import describe_path

if TYPE_CHECKING:
    from opentelemetry.trace import Span

HEADER = b"x-request-id"
DEPLOYMENT = DEPLOYMENT_HEADER.lower().encode()
QUIET = ("/livez", "/health", "/healthz", "/metrics")
"""Paths that monitoring polls every few seconds; they are logged at DEBUG."""
NOWHERE = "none"
"""The route label of unknown paths. Clients must not be able to create new time series."""
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}

log = logging.getLogger("functions.http")

_ID = re.compile(rb"[A-Za-z0-9._:-]{1,128}")


class RequestLog:
    """The outermost ASGI middleware: sets X-Request-ID and X-Thunder-Deployment, writes a log line, updates metrics."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, then log and count it."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        request_id = _read_id(scope)
        context: Context = scope["app"].state.context
        settings, telemetry = context.settings, context.telemetry if scope["type"] == "http" else None
        own = [(HEADER, request_id.encode())]
        if settings.thunder_deployment is not None:
            own.append((DEPLOYMENT, settings.thunder_deployment.encode()))
        token = http_request_id.set(request_id)
        address = client_address.set(find_address(HTTPConnection(scope), settings.proxy_networks))
        started, status = time.perf_counter(), 0
        span = None if telemetry is None else telemetry.start_span(request_id, scope["headers"])

        async def note(message: MutableMapping[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), *own]
            await send(message)

        try:
            await self.app(scope, receive, note if scope["type"] == "http" else send)
        finally:
            if scope["type"] == "http":
                _note(context, scope, status, time.perf_counter() - started, span)
            http_request_id.reset(token)
            client_address.reset(address)


def _read_id(scope: Scope) -> str:
    """Return the id from the client or a proxy if it is valid, else a new one."""
    given = next((value for name, value in scope["headers"] if name == HEADER), b"")
    return given.decode() if _ID.fullmatch(given) else secrets.token_hex(16)


def _note(context: Context, scope: Scope, status: int, seconds: float, span: "Span | None") -> None:
    route = getattr(scope.get("route"), "path", NOWHERE)
    method = scope["method"] if scope["method"] in METHODS else "OTHER"
    context.metrics.note_answer(method, route, status, seconds)
    if span is not None and context.telemetry is not None:
        context.telemetry.note_answer(span, method, route, status, seconds)
    level = logging.DEBUG if route in QUIET else logging.INFO
    if log.isEnabledFor(level):
        fields = {"method": method, "route": route, "status": status, "duration_ms": round(seconds * 1000, 1)}
        log.log(level, "%s %s %s", method, describe_path(scope), status, extra=fields)
