"""The viewer's page and files: static HTML, CSS and JavaScript of functions/viewer, which use the public API alone."""

import html
from pathlib import Path

from fastapi import APIRouter, FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope
from typing_extensions import override

FOLDER = Path(__file__).parent.parent / "viewer"
TEMPLATE = "index.html"
FILES_PATH = "/viewer"
PAGES = ("/", "/view/{request_id:path}", "/compare", "/overview")
HEADERS = {
    "Cache-Control": "private, no-cache",
    # Only the server's own files run and are called; no markup can be made of text (Trusted Types).
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",  # a share link's address is the key
    "X-Content-Type-Options": "nosniff",
}
_TEMPLATE = (FOLDER / TEMPLATE).read_text("utf-8")

router = APIRouter(include_in_schema=False)


def render_viewer(
    *,
    title: str = "Thunder",
    description: str = "Traces of language models, token by token",
    head: str = "",
    further: str = "",
    status: int = 200,
) -> HTMLResponse:
    """The one page; the script in it shows what the address names.

    Args:
        title: plain text, as the description; both are escaped here.
        description: for whoever runs no script.
        head: markup for the head, made by the server alone.
        further: markup below the description, likewise.
        status: of the answer.
    """
    parts = {"title": html.escape(title), "description": html.escape(description), "head": head, "further": further}
    return HTMLResponse(_TEMPLATE.format(**parts), status, HEADERS)


async def show() -> HTMLResponse:
    """The viewer."""
    return render_viewer()


for page in PAGES:
    router.get(page, response_class=HTMLResponse)(show)


def mount_viewer(app: FastAPI) -> None:
    """Add the page and the files that it refers to. Who answers pages elsewhere asks `has_viewer`."""
    app.include_router(router)
    app.mount(FILES_PATH, _Files(directory=FOLDER), name="viewer")
    app.state.has_viewer = True


def has_viewer(request: Request) -> bool:
    """Whether this application serves the viewer's files beside what it answers."""
    return getattr(request.app.state, "has_viewer", False)


class _Files(StaticFiles):
    """A browser asks each time whether it has a file's version, so that a deploy is seen at once."""

    @override
    async def get_response(self, path: str, scope: Scope) -> Response:
        if path == TEMPLATE or "\0" in path:
            raise HTTPException(404)
        response = await super().get_response(path, scope)
        response.headers.update({**HEADERS, "Cache-Control": "no-cache"})
        return response
