"""/logs/{id}/public and /share/request/{token}: a link by which somebody without a key reads one request."""

from fastapi import APIRouter, FastAPI, Request, Response

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
from functions.common.access import KeyDep
from functions.common.application import build_app
from functions.common.body import describe_body, read_model
from functions.common.conditional import UNCHANGED, KnownDep
from functions.common.context import ContextDep
from functions.common.preview import (
    PAGES,
    FormatParam,
    Preview,
    begin,
    describe_confidence,
    render_dead_link,
    render_page,
    wants_page,
)
from functions.common.scaling import Scaling
from functions.common.stored import answer_log

SCALING = Scaling(max_inputs=50, target_inputs=30, memory_mb=512)

router = APIRouter(tags=["share"])


@router.post("/logs/{request_id}/public", openapi_extra=describe_body(Publication))
async def publish(request: Request, context: ContextDep, key: KeyDep, request_id: str) -> Share:
    """Make a request public. A repeat answers the same link; `expires_at` ends it by itself."""
    await context.access.admit(key)
    publication = await read_model(request, Publication)
    return await publish_request(context.access, key, request_id=request_id, publication=publication)


@router.delete("/logs/{request_id}/public")
async def unpublish(context: ContextDep, key: KeyDep, request_id: str) -> Share:
    """Take the link back, for good: publishing again makes another."""
    return await unpublish_request(context.access, key, request_id=request_id)


@router.get("/share/request/{token}", response_class=Response, responses={**UNCHANGED, **PAGES})
async def get_shared_log(
    request: Request, context: ContextDep, known: KnownDep, token: str, _format: FormatParam = None
) -> Response:
    """The log behind a link; no key is needed, and none is told. A browser gets a page that leads to it."""
    if wants_page(request):
        return await _answer_page(context, token)
    return await answer_log(request, await read_shared_log(context.access, token=token, known=known))


async def _answer_page(context: ContextDep, token: str) -> Response:
    try:
        return render_page(_describe(await read_preview(context.access, token=token)))
    except NotFoundError as error:
        return render_dead_link(str(error))


def _describe(row: PreviewRow) -> Preview:
    confidence = describe_confidence(row.sequence_confidence, is_bound=bool(row.sequence_confidence_is_bound))
    return Preview(begin(row.final_text, "An inference"), f"{begin(row.model, 'Unknown model')}: {confidence}")


def web() -> FastAPI:
    """The ASGI application of this endpoint."""
    return build_app(router)
