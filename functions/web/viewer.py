"""Serve the viewer: static HTML, CSS and JavaScript from functions/viewer, which use only the public API."""

import html

from fastapi import APIRouter, FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope
from typing_extensions import override

from functions.web.modules import FOLDER, list_modules

TEMPLATE = "index.html"
FILES_PATH = "/viewer"
WHOLE_BYTES = 4 * 1024 * 1024
"""Files up to this size are sent in one message, because only those are compressed."""
PAGES = (
    "/",
    "/view/{request_id:path}",
    "/compare",
    "/overview",
    "/collection",
    "/collection/{collection_id}",
    "/score",
    "/keys",
    "/sign-in",
)
HEADERS = {
    "Cache-Control": "private, no-cache",
    # Only scripts and requests of this origin are allowed, and text can't become markup (Trusted Types).
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",  # the address of a share link is a secret
    "X-Content-Type-Options": "nosniff",
}
_TEMPLATE = (FOLDER / TEMPLATE).read_text("utf-8")

router = APIRouter(include_in_schema=False)


def render_viewer(
    path: str,
    *,
    title: str = "Thunder",
    description: str = "Token-level traces of LLM inference",
    head: str = "",
    further: str = "",
) -> HTMLResponse:
    """Render the viewer's page. Its script shows the view of the address.

    Args:
        path: the path of the address, for the modules of its view.
        title: plain text; escaped here.
        description: plain text for clients without JavaScript; escaped here.
        head: trusted markup for the head.
        further: trusted markup below the description.
    """
    parts = {"title": html.escape(title), "description": html.escape(description), "head": head, "further": further}
    parts["modules"] = "\n".join(
        f'<link rel="modulepreload" href="{FILES_PATH}/{name}">' for name in list_modules(path)
    )
    return HTMLResponse(_TEMPLATE.format(**parts), headers=HEADERS)


async def show(request: Request) -> HTMLResponse:
    """Return the viewer's page."""
    return render_viewer(request.url.path)


for page in PAGES:
    router.get(page, response_class=HTMLResponse)(show)


def mount_viewer(app: FastAPI) -> None:
    """Add the viewer's pages and files. `has_viewer` is true for this application afterwards."""
    app.routes.extend(router.routes)
    app.mount(FILES_PATH, _Files(directory=FOLDER), name="viewer")
    app.state.has_viewer = True


def has_viewer(request: Request) -> bool:
    """Return whether this application serves the viewer."""
    return getattr(request.app.state, "has_viewer", False)


class _Files(StaticFiles):
    """Static files that browsers revalidate on each use, so that a deployment takes effect at once."""

    @override
    async def get_response(self, path: str, scope: Scope) -> Response:
        if path.endswith(".html") or "\0" in path:
            raise HTTPException(404)
        response = await super().get_response(path, scope)
        if isinstance(response, FileResponse):
            response.chunk_size = WHOLE_BYTES
        response.headers.update({**HEADERS, "Cache-Control": "no-cache"})
        return response
