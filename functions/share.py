"""/logs/{id}/public and /share/…: share links, which give access to a request or a collection without an API key."""

from fastapi import APIRouter, FastAPI, Request, Response
from pydantic import BaseModel

from core.collections.sharing import SharedCollection, read_shared_collection
from core.collections.store import MemberRow
from core.errors import NotFoundError
from core.shares.share import (
    Publication,
    Share,
    publish_request,
    read_preview,
    read_shared_log,
    unpublish_request,
)
from core.shares.store import PreviewRow
from core.wire.page import DEFAULT_LIMIT, clamp_page
from functions.web.access import KeyDep
from functions.web.application import build_app
from functions.web.conditional import DEPENDS_ON, UNCHANGED, EtagsDep
from functions.web.context import ContextDep
from functions.web.negotiation import wants_page
from functions.web.preview import (
    PAGES,
    FormatParam,
    Preview,
    begin,
    describe_confidence,
    render_dead_link,
    render_page,
)
from functions.web.scaling import Scaling
from functions.web.small_body import SmallBodyRoute
from functions.web.stored import answer_log

SCALING = Scaling(max_inputs=50, target_inputs=30, memory_mb=512)

router = APIRouter(tags=["share"], route_class=SmallBodyRoute)

HEADERS = {"Cache-Control": "private, no-cache", "Vary": DEPENDS_ON}


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
        return await _answer_page(request, context, token)
    return await answer_log(
        request, context, await read_shared_log(context.access, context.logs, token=token, known=known)
    )


@router.get("/share/{token}", response_model=SharedRequests, responses=PAGES)
async def get_shared_collection(  # noqa: PLR0913 - query parameters
    request: Request,
    response: Response,
    context: ContextDep,
    token: str,
    *,
    limit: int = DEFAULT_LIMIT,
    offset: int = 0,
    _format: FormatParam = None,
) -> SharedRequests | Response:
    """Return the collection of a share link and a page of its requests. Needs no API key; omits labels."""
    limit, offset = clamp_page(limit, offset)
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
            request, Preview(begin(collection.name, "Untitled collection"), _describe_collection(collection))
        )
    response.headers.update(HEADERS)
    return SharedRequests(collection=collection, requests=members, total_requests=collection.request_count)


@router.get("/share/{token}/request/{request_id}", response_class=Response, responses={**UNCHANGED, **PAGES})
async def get_shared_member(
    request: Request, context: ContextDep, known: EtagsDep, token: str, request_id: str, _format: FormatParam = None
) -> Response:
    """Return the log of a request in the collection of a share link."""
    if wants_page(request):
        return await _answer_page(request, context, token, request_id)
    view = await read_shared_log(context.access, context.logs, token=token, request_id=request_id, known=known)
    return await answer_log(request, context, view)


async def _answer_page(request: Request, context: ContextDep, token: str, request_id: str | None = None) -> Response:
    try:
        preview = await read_preview(context.access, token=token, request_id=request_id)
        return render_page(request, _describe(preview))
    except NotFoundError as error:
        return render_dead_link(request, str(error))


def _describe(row: PreviewRow) -> Preview:
    confidence = describe_confidence(row.sequence_confidence, is_bound=bool(row.sequence_confidence_is_bound))
    return Preview(begin(row.final_text, "Request without text"), f"{begin(row.model, 'Unknown model')}: {confidence}")


def _describe_collection(collection: SharedCollection) -> str:
    count = f"{collection.request_count} request{'' if collection.request_count == 1 else 's'}"
    return f"{count}. {begin(collection.description, '')}".strip()


def web() -> FastAPI:
    """Build the ASGI application of this endpoint."""
    return build_app(router)
