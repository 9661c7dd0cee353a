"""GET /logs, /logs/api-keys, /v1/facets, /logs/{id} and /logs/{id}/trace: the feed, a log, and its document."""

import asyncio
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel

from core.document.formats import EVENTS_FORMAT
from core.feed.facets import Facets, list_facets
from core.feed.list import list_requests, list_users
from core.feed.render import is_large, render_feed
from core.feed.store import FeedRow, UserRow
from core.traces.log_view import PackedJson
from core.traces.read import read_document, read_log
from core.wire.zstandard import iterate_decompressed
from functions.web.access import KeyDep, read_key
from functions.web.conditional import UNCHANGED, EtagsDep, answer_unchanged, describe_version, read_etags
from functions.web.context import ContextDep, get_context
from functions.web.query import FacetQuery, FeedQuery, describe_query, read_query
from functions.web.scaling import Scaling
from functions.web.stored import EVENT_STREAM, LINES, MEDIA_TYPE, answer_log, answer_stored

SCALING = Scaling(max_inputs=50, target_inputs=30, memory_mb=512)

router = APIRouter(tags=["logs"])


class Feed(BaseModel):
    """A page of the feed."""

    data: list[FeedRow]
    limit: int
    offset: int
    returned: int
    total: int | None
    total_is_bound: bool | None
    next_cursor: str | None


class Users(BaseModel):
    """The users whose requests the caller can read."""

    api_keys: list[UserRow]
    total: int


@router.get("/logs", response_model=Feed, responses=UNCHANGED, openapi_extra=describe_query(FeedQuery))
async def list_logs(request: Request) -> Response:
    """List the caller's requests, newest or least confident first. `api_key` selects one user, by key or label."""
    query = read_query(request, FeedQuery)  # FastAPI parses 17 parameters more slowly than Postgres reads the page
    context, key, known = await get_context(request), await read_key(request), await read_etags(request)
    limit, offset = query.limit, query.offset
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
        counts=query.total,
        known=known,
    )
    if page.rows is None:
        return answer_unchanged(page.version)
    render = partial(render_feed, page, limit=limit, offset=offset)
    body = await asyncio.to_thread(render) if is_large(page.rows) else render()
    return Response(body, media_type=MEDIA_TYPE, headers=describe_version(page.version))


@router.get("/logs/api-keys")
async def list_api_keys(context: ContextDep, key: KeyDep) -> Users:
    """List the users whose requests the caller can read, by label; the user of the latest request comes first."""
    rows, total = await list_users(context.access, key)
    return Users(api_keys=rows, total=total)


@router.get("/v1/facets")
async def get_facets(context: ContextDep, key: KeyDep, query: Annotated[FacetQuery, Query()]) -> Facets:
    """Count the models, mods, tags and sources of the caller's requests that pass the filters."""
    return await list_facets(
        context.access,
        key,
        filters=query.read(),
        user_key=query.api_key or None,
        collection=query.collection_id,
    )


@router.get("/logs/{request_id}/trace", response_class=Response)
async def get_trace(request: Request, context: ContextDep, key: KeyDep, request_id: str) -> Response:
    """Return the document as it was posted, with user API keys replaced by labels."""
    stored = await read_document(context.access, key, request_id=request_id)
    media_type = _choose_type(stored.document) if stored.format == EVENTS_FORMAT else MEDIA_TYPE
    return await answer_stored(request, PackedJson(stored.document), media_type=media_type)


def _choose_type(document: bytes) -> str:
    """Return the media type of a stream's text: lines of JSON as Ollama sends them, or Server-Sent Events."""
    start = next(iterate_decompressed(document, 1024), b"").lstrip()
    return LINES if start.startswith(b"{") else EVENT_STREAM


@router.get("/logs/{request_id}", response_class=Response, responses=UNCHANGED)
async def get_log(request: Request, context: ContextDep, key: KeyDep, known: EtagsDep, request_id: str) -> Response:
    """Return the log of a request: the complete trace with a score for every token."""
    view = await read_log(context.access, context.logs, key, request_id=request_id, known=known)
    return await answer_log(request, context, view)
