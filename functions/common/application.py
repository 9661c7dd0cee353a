"""The application around the routers: lifespan, errors, CORS, trailing slashes."""

from fastapi import APIRouter, FastAPI
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from core.settings import Settings
from functions.common.context import open_context
from functions.common.errors import AlwaysAnswer, add_error_handlers

DESCRIPTION = "Token-level traces of every inference, kept whole and scored. docs/API.md tells the rest."


def build_app(*routers: APIRouter) -> FastAPI:
    """One ASGI application that serves these routers at their full paths."""
    app = FastAPI(
        title="Thunder",
        version="0.1.0",
        description=DESCRIPTION,
        lifespan=open_context,
        redirect_slashes=False,
        redoc_url=None,
    )
    for router in routers:
        app.include_router(router)
    add_error_handlers(app)
    app.add_middleware(_TrailingSlash)
    app.add_middleware(AlwaysAnswer)
    app.add_middleware(
        CORSMiddleware,
        allow_origins=[origin.strip() for origin in Settings().allowed_origins.split(",")],
        allow_methods=["*"],
        allow_headers=["*"],
        max_age=600,
    )
    return app


class _TrailingSlash:
    """Every path also answers with a trailing slash; a redirect would lose the body of a POST in some clients."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if len(path) > 1 and path.endswith("/"):
            scope = {**scope, "path": path.rstrip("/") or "/"}
        await self.app(scope, receive, send)
