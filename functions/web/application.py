"""Build the application around the routers: lifespan, errors, limits, CORS, trailing slashes."""

import asyncio
from typing import Any

import orjson
from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send
from typing_extensions import override

from core.settings import Settings
from functions.web.activation_errors import ActivationErrors
from functions.web.compress import Compress
from functions.web.described import describe
from functions.web.errors import AlwaysAnswer, add_error_handlers
from functions.web.head import AnswerHead
from functions.web.lifespan import open_context
from functions.web.limits import Limits
from functions.web.observed import RequestLog
from functions.web.otlp_errors import OtlpErrors
from functions.web.parameters import check_parameters, drop_empty
from functions.web.stamp import ForeignDatabaseGuard

VERSION = "0.1.0"
DESCRIPTION = "Store, score and read token-level traces of LLM inference. docs/API.md describes the API in full."
CORS_MAX_AGE_S = 600
ERRORS = {
    400: "the request is invalid; the message names the field",
    401: "the API key is missing, unknown, revoked or expired",
    403: "the scopes of the API key don't allow this",
    404: "does not exist, or is not visible to the caller",
    414: "the path or the query is too long",
    429: "too many wrong keys from this address, or too many open streams; wait for the seconds in Retry-After",
    431: "the headers are too long, or too many",
    500: "a bug of the server; the server's log has the details under the id in the message",
    503: "the database is unreachable, not migrated or another app's; or the server is busy (see Retry-After)",
}
"""The errors of every route."""
BODY_ERRORS = {
    408: "the body did not arrive in time",
    413: "the body is too large, compressed or decompressed",
    415: "this route does not support the Content-Type or Content-Encoding",
}
"""Further errors of every route with a body. A route declares all other errors itself."""


class ErrorBody(BaseModel):
    """The body of every error. `error` and `message` are the same sentence; `code` is the HTTP status.

    Errors under /playground/activations also have `status`, which is `error`, and `error_code`.
    """

    error: str
    message: str
    code: int
    status: str | None = None
    error_code: str | None = None


def build_app(*routers: APIRouter) -> FastAPI:
    """Build one ASGI application that serves these routers at their full paths."""
    app = _Application(
        title="Thunder",
        version=VERSION,
        description=DESCRIPTION,
        lifespan=open_context,
        redirect_slashes=False,
        openapi_url=None,  # FastAPI would build and encode the document in the event loop
        docs_url=None,  # its page would run a script from another site on this origin
        redoc_url=None,
        # Its spans and logs would contain paths and messages; functions.web.telemetry exports neither.
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    for router in routers:
        app.routes.extend(map(check_parameters, router.routes))  # include_router would match each route twice
    app.add_route("/openapi.json", app.answer_openapi, include_in_schema=False)
    add_error_handlers(app)
    # The middleware added last is the outermost.
    app.add_middleware(_Lenient)
    app.add_middleware(Limits)
    app.add_middleware(ForeignDatabaseGuard)
    app.add_middleware(Compress)
    app.add_middleware(AnswerHead)
    app.add_middleware(AlwaysAnswer)
    app.add_middleware(OtlpErrors)
    app.add_middleware(ActivationErrors)
    app.add_middleware(_LateCors)
    app.add_middleware(RequestLog)
    return app


class _Application(FastAPI):
    """A FastAPI application whose OpenAPI document describes Thunder's errors instead of FastAPI's."""

    _encoded: asyncio.Future[bytes] | None = None

    @override
    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI document."""
        if self.openapi_schema is None:
            document = get_openapi(
                title=self.title, version=self.version, description=self.description, routes=self.routes
            )
            _hoist_definitions(document)
            _describe_errors(document)
            describe(document)
            self.openapi_schema = document
        return self.openapi_schema

    async def answer_openapi(self, _: Request) -> Response:
        """Answer with the OpenAPI document, which the first request builds in a thread."""
        if self._encoded is None:
            self._encoded = asyncio.ensure_future(asyncio.to_thread(lambda: orjson.dumps(self.openapi())))
        return Response(await asyncio.shield(self._encoded), media_type="application/json")


def _hoist_definitions(document: dict[str, Any]) -> None:
    """Move the definitions of body schemas to the document's components, where their references point."""
    schemas: dict[str, Any] = document.setdefault("components", {}).setdefault("schemas", {})
    for operations in document["paths"].values():
        for operation in operations.values():
            for media in operation.get("requestBody", {}).get("content", {}).values():
                schemas.update(media["schema"].pop("$defs", {}))


def _describe_errors(document: dict[str, Any]) -> None:
    components: dict[str, Any] = document.setdefault("components", {})
    schemas: dict[str, Any] = components.setdefault("schemas", {})
    schemas["ErrorBody"] = ErrorBody.model_json_schema()
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/ErrorBody"}}}
    for operations in document["paths"].values():
        for operation in operations.values():
            responses: dict[str, Any] = operation["responses"]
            responses.pop("422", None)
            possible = {**ERRORS, **BODY_ERRORS} if "requestBody" in operation else ERRORS
            for status, description in possible.items():
                responses.setdefault(str(status), {"description": description})
            for status, response in responses.items():
                if int(status) >= 400:
                    response.setdefault("content", content)
    components["securitySchemes"] = {"key": {"type": "apiKey", "in": "header", "name": "X-API-Key"}}
    nothing_more: list[str] = []
    document["security"] = [{"key": nothing_more}]


class _LateCors:
    """CORS from ALLOWED_ORIGINS, read at the first request, because a container has no secrets during its snapshot."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.cors: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if self.cors is None:
            settings: Settings = scope["app"].state.context.settings
            self.cors = CORSMiddleware(
                self.app,
                allow_origins=[origin.strip() for origin in settings.allowed_origins.split(",")],
                allow_methods=["*"],
                allow_headers=["*"],
                expose_headers=["ETag", "Retry-After", "X-Request-ID"],
                max_age=CORS_MAX_AGE_S,
            )
        await self.cors(scope, receive, send)


class _Lenient:
    """Accept every path with a trailing slash, and ignore query parameters without a value.

    There is no redirect to the path without a slash, because some clients would lose the body of a POST.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if len(path) > 1 and path.endswith("/"):
            # In place, because outer middleware reads the route from this scope.
            scope["path"] = path.rstrip("/") or "/"
        if scope.get("query_string"):
            scope["query_string"] = drop_empty(scope["query_string"])
        await self.app(scope, receive, send)
