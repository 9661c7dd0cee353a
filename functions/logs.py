"""GET /logs, /logs/api-keys, /logs/{id} and /logs/{id}/trace: the feed, one log, and the document behind it."""

from fastapi import APIRouter, FastAPI, Request, Response
from pydantic import BaseModel

from core.feed.list import list_requests, list_users
from core.feed.render import render_feed
from core.feed.store import FeedRow, UserRow
from core.traces.read import read_document, read_log
from core.wire.page import clamp_page
from functions.web.access import KeyDep, read_key
from functions.web.application import build_app
from functions.web.conditional import UNCHANGED, KnownDep, answer_unchanged, describe_version, read_known
from functions.web.context import ContextDep, get_context
from functions.web.query import FeedQuery, describe_query, read_query
from functions.web.scaling import Scaling
from functions.web.stored import MEDIA_TYPE, answer_log, answer_stored

SCALING = Scaling(max_inputs=50, target_inputs=30, memory_mb=512)

router = APIRouter(tags=["logs"])


class Feed(BaseModel):
    """A page of the feed."""

    data: list[FeedRow]
    limit: int
    offset: int
    returned: int
    next_cursor: str | None


class Users(BaseModel):
    """Whose requests there are."""

    api_keys: list[UserRow]
    total: int


@router.get("/logs", response_model=Feed, responses=UNCHANGED, openapi_extra=describe_query(FeedQuery))
async def list_logs(request: Request) -> Response:
    """The caller's requests, newest or least sure first; `limit` is clamped to 1…100; `api_key` names one user's."""
    query = read_query(request, FeedQuery)  # FastAPI takes longer for sixteen parameters than Postgres for the page
    context, key, known = await get_context(request), await read_key(request), await read_known(request)
    limit, offset = clamp_page(query.limit, query.offset)
    page = await list_requests(
        context.access,
        key,
        limit=limit,
        offset=offset,
        user_key=query.api_key or None,
        filters=query.read(),
        collection=query.collection_id,
        sort=query.sort,
        cursor=query.cursor or None,
        known=known,
    )
    if page.rows is None:
        return answer_unchanged(page.version)
    body = render_feed(page.rows, limit=limit, offset=offset, next_cursor=page.next_cursor)
    return Response(body, media_type=MEDIA_TYPE, headers=describe_version(page.version))


@router.get("/logs/api-keys")
async def list_api_keys(context: ContextDep, key: KeyDep) -> Users:
    """The users whose requests the caller sees, by label, the one with the latest request first."""
    rows, total = await list_users(context.access, key)
    return Users(api_keys=rows, total=total)


@router.get("/logs/{request_id}/trace", response_class=Response)
async def get_trace(request: Request, context: ContextDep, key: KeyDep, request_id: str) -> Response:
    """The document as it was posted, with a label in place of a user's key."""
    return await answer_stored(request, await read_document(context.access, key, request_id=request_id))


@router.get("/logs/{request_id}", response_class=Response, responses=UNCHANGED)
async def get_log(request: Request, context: ContextDep, key: KeyDep, known: KnownDep, request_id: str) -> Response:
    """The log: the whole trace with every token scored."""
    view = await read_log(context.access, context.logs, key, request_id=request_id, known=known)
    return await answer_log(request, context, view)


def web() -> FastAPI:
    """The ASGI application of this endpoint."""
    return build_app(router)
