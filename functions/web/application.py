"""The application around the routers: lifespan, errors, limits, CORS, trailing slashes."""

from typing import Any

from fastapi import APIRouter, Depends, FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send
from typing_extensions import override

from core.settings import Settings
from functions.web.compress import Compress
from functions.web.context import open_context
from functions.web.errors import AlwaysAnswer, add_error_handlers
from functions.web.head import AnswerHead
from functions.web.limits import Limits
from functions.web.observed import Observed
from functions.web.owner import OwnerGuard
from functions.web.parameters import ParameterCheck, drop_empty

VERSION = "0.1.0"
DESCRIPTION = "Token-level traces of every inference, kept whole and scored. docs/API.md tells the rest."
CORS_MAX_AGE_S = 600
ERRORS = {
    400: "something in the request is wrong; the sentence names the place",
    401: "no key came, or none that is live",
    403: "the key's scopes don't cover this",
    404: "it is not there, or not the caller's",
    414: "the path or the query is too long",
    429: "too many wrong keys came from this address; Retry-After says when to try again",
    431: "the headers are too long, or too many",
    500: "a bug on the server's side; the log has it under the id in the sentence",
    503: "the database is not there, not migrated, or another app's; or the server is busy (Retry-After)",
}
"""What every route can answer."""
BODY_ERRORS = {
    408: "the body did not come in time",
    413: "the body is too large, as sent or as unpacked",
    415: "Content-Type or Content-Encoding names something that this route does not read",
}
"""What a route that takes a body can answer as well; a route declares any other error itself."""


class ErrorBody(BaseModel):
    """Every error's answer."""

    error: str
    message: str
    code: int


def build_app(*routers: APIRouter) -> FastAPI:
    """One ASGI application that serves these routers at their full paths."""
    app = _Application(
        title="Thunder",
        version=VERSION,
        description=DESCRIPTION,
        lifespan=open_context,
        redirect_slashes=False,
        docs_url=None,  # its page runs a script of another site on this origin
        redoc_url=None,
    )
    checks = [Depends(ParameterCheck())]
    for router in routers:
        app.include_router(router, dependencies=checks)
    add_error_handlers(app)
    # The last one added is the outermost.
    app.add_middleware(_Lenient)
    app.add_middleware(Limits)
    app.add_middleware(OwnerGuard)
    app.add_middleware(Compress)
    app.add_middleware(AnswerHead)
    app.add_middleware(AlwaysAnswer)
    app.add_middleware(_LateCors)
    app.add_middleware(Observed)
    return app


class _Application(FastAPI):
    """Says in its OpenAPI document what errors look like here, and not what FastAPI's own would."""

    @override
    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document."""
        if self.openapi_schema is None:
            document = get_openapi(
                title=self.title, version=self.version, description=self.description, routes=self.routes
            )
            _hoist_definitions(document)
            _describe_errors(document)
            self.openapi_schema = document
        return self.openapi_schema


def _hoist_definitions(document: dict[str, Any]) -> None:
    """Put what a body's own schema defines among the document's, where its references point (`describe_body`)."""
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
    """CORS from ALLOWED_ORIGINS, read at the first request: a container that is being snapshotted has no secrets."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.cors: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.cors is None:
            self.cors = CORSMiddleware(
                self.app,
                allow_origins=[origin.strip() for origin in Settings().allowed_origins.split(",")],
                allow_methods=["*"],
                allow_headers=["*"],
                expose_headers=["ETag", "Retry-After", "X-Request-ID"],
                max_age=CORS_MAX_AGE_S,
            )
        await self.cors(scope, receive, send)


class _Lenient:
    """Answer every path with a trailing slash too, and take a parameter without a value for an absent one.

    A redirect would lose the body of a POST in some clients.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if len(path) > 1 and path.endswith("/"):
            scope["path"] = path.rstrip("/") or "/"  # in place: those outside read the route from this scope
        if scope.get("query_string"):
            scope["query_string"] = drop_empty(scope["query_string"])
        await self.app(scope, receive, send)
