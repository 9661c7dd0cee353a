"""/logs/{id}/public and /share/…: share links, which give access to a request or a collection without an API key.

Link previews too: those of share links, and the playground's, whose page the Quote UI serves to everyone but crawlers.
"""

import asyncio
from functools import cache
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel
from starlette.responses import HTMLResponse

from core.collections.sharing import read_shared_collection
from core.collections.store import MemberRow, SharedCollection
from core.errors import NotFoundError
from core.previews.text import shorten
from core.shares.share import (
    Publication,
    Share,
    publish_request,
    read_shared_log,
    unpublish_request,
)
from core.wire.page import DEFAULT_LIMIT, Limit, Offset
from functions.web.access import KeyDep
from functions.web.conditional import UNCHANGED, EtagsDep
from functions.web.context import ContextDep
from functions.web.crawlers import is_crawler
from functions.web.negotiation import wants_page
from functions.web.preview import (
    PAGES,
    VARIES,
    FormatParam,
    Preview,
    render_dead_link,
    render_page,
    render_plain_page,
)
from functions.web.previews import NAME_CHARACTERS, add_addresses, answer_image, answer_page
from functions.web.scaling import Scaling
from functions.web.small_body import SmallBodyRoute
from functions.web.stored import answer_log

SCALING = Scaling(max_inputs=50, target_inputs=30, memory_mb=512)

router = APIRouter(tags=["share"], route_class=SmallBodyRoute)

IMAGES: dict[int | str, dict[str, Any]] = {200: {"content": {"image/png": {}}, "description": "the image"}}
PLAYGROUND = "Playground"
PLAYGROUND_SENTENCE = "Build a mod, run it on a model, and see every token with the model's confidence."
PLAYGROUND_HEADERS = {"Cache-Control": "public, max-age=86400", "X-Content-Type-Options": "nosniff"}
HEADERS = {"Cache-Control": "private, no-cache", "Vary": VARIES}


class SharedRequests(BaseModel):
    """A shared collection and a page of its requests, most recently added first."""

    collection: SharedCollection
    requests: list[MemberRow]
    total_requests: int


@router.post("/logs/{request_id}/public")
async def publish(context: ContextDep, key: KeyDep, request_id: str, publication: Publication) -> Share:
    """Create a share link for a request. A repeat returns the same link; `expires_at` sets when it expires."""
    return await publish_request(context.access, key, request_id=request_id, publication=publication)


@router.delete("/logs/{request_id}/public")
async def unpublish(context: ContextDep, key: KeyDep, request_id: str) -> Share:
    """Revoke the share link of a request permanently. Publishing again creates a different link."""
    return await unpublish_request(context.access, key, request_id=request_id)


@router.get("/share/request/{token}", response_class=Response, responses={**UNCHANGED, **PAGES})
async def get_shared_log(
    request: Request, context: ContextDep, known: EtagsDep, token: str, _format: FormatParam = None
) -> Response:
    """Return the log of a share link. Needs no API key; omits labels. Browsers get an HTML page."""
    if wants_page(request):
        return await answer_page(request, context, token)
    view = await read_shared_log(context.access, context.logs, token=token, known=known)
    return _vary(await answer_log(request, context, view))


@router.get("/share/request/{token}/og-image.png", response_class=Response, responses=IMAGES)
async def get_image(request: Request, context: ContextDep, token: str) -> Response:
    """Return the preview image of a public request: PNG, 1200 by 628 pixels. Needs no API key."""
    return await answer_image(request, context, token)


@router.get("/share/{token}", response_model=SharedRequests, responses=PAGES)
async def get_shared_collection(  # noqa: PLR0913 - query parameters
    request: Request,
    response: Response,
    context: ContextDep,
    token: str,
    *,
    limit: Limit = DEFAULT_LIMIT,
    offset: Offset = 0,
    _format: FormatParam = None,
) -> SharedRequests | Response:
    """Return the collection of a share link and a page of its requests. Needs no API key; omits labels."""
    page = wants_page(request)
    limit = 0 if page else limit  # the HTML page shows no requests
    try:
        collection, members = await read_shared_collection(context.access, token=token, limit=limit, offset=offset)
    except NotFoundError as error:
        if page:
            return render_dead_link(request, str(error))
        raise
    if page:
        return render_page(
            request,
            Preview(
                shorten(collection.name, NAME_CHARACTERS) or "Untitled collection", _describe_collection(collection)
            ),
        )
    response.headers.update(HEADERS)
    return SharedRequests(collection=collection, requests=members, total_requests=collection.request_count)


@router.get("/share/{token}/request/{request_id}", response_class=Response, responses={**UNCHANGED, **PAGES})
async def get_shared_member(
    request: Request, context: ContextDep, known: EtagsDep, token: str, request_id: str, _format: FormatParam = None
) -> Response:
    """Return the log of a request in the collection of a share link."""
    if wants_page(request):
        return await answer_page(request, context, token, request_id)
    view = await read_shared_log(context.access, context.logs, token=token, request_id=request_id, known=known)
    return _vary(await answer_log(request, context, view))


@router.get("/playground", response_class=HTMLResponse, responses={200: {"content": {"text/html": {}}}})
async def get_playground(request: Request, context: ContextDep) -> HTMLResponse:
    """Return the preview of the playground's page to crawlers, and 404 to others: the Quote UI's host serves it."""
    if not is_crawler(request):
        raise NotFoundError("page: only for crawlers of link previews; open the playground of the Quote UI")
    preview = Preview(PLAYGROUND, PLAYGROUND_SENTENCE, image_alt=PLAYGROUND_SENTENCE, is_site=True)
    return render_plain_page(add_addresses(preview, request, context))


@router.get("/playground/og-image.png", response_class=Response, responses=IMAGES)
async def get_playground_image() -> Response:
    """Return the preview image of the playground: PNG, 1200 by 628 pixels. Needs no API key."""
    image = await asyncio.to_thread(_draw_playground)
    return Response(image, media_type="image/png", headers=PLAYGROUND_HEADERS)


@cache
def _draw_playground() -> bytes:
    from core.previews.image import draw_playground  # noqa: PLC0415 - Pillow would delay the first answer

    return draw_playground(PLAYGROUND, PLAYGROUND_SENTENCE)


def _vary(answer: Response) -> Response:
    """Add the header Vary, because crawlers get another answer."""
    answer.headers["Vary"] = VARIES
    return answer


def _describe_collection(collection: SharedCollection) -> str:
    count = f"{collection.request_count} request{'' if collection.request_count == 1 else 's'}"
    return f"{count}. {shorten(collection.description, NAME_CHARACTERS)}".strip()
