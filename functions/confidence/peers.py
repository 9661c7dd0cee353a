"""GET /v1/confidence/{request_id}/peers and /alternatives: a request compared with others of its model and prompt."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel

from core.statistics.peers import MAX_INDEX, Alternative, Peers, fetch_alternatives, fetch_peers
from functions.web.access import KeyDep
from functions.web.context import ContextDep
from functions.web.query import FiltersDep

router = APIRouter(tags=["confidence"])


class Alternatives(BaseModel):
    """The tokens that other requests have in the place of a token."""

    request_id: str
    index: int
    alternatives: list[Alternative]


@router.get("/v1/confidence/{request_id}/peers")
async def get_peers(context: ContextDep, key: KeyDep, filters: FiltersDep, request_id: str) -> Peers:
    """Return a request's rank among its model's requests, its neighbors in the feed, and requests with its prompt."""
    return await fetch_peers(context.access, key, request_id=request_id, filters=filters)


@router.get("/v1/confidence/{request_id}/alternatives")
async def get_alternatives(
    context: ContextDep, key: KeyDep, request_id: str, index: Annotated[int, Query(ge=0, le=MAX_INDEX)] = 0
) -> Alternatives:
    """Return how other requests with the same prompt, model and preceding text continued at a token."""
    found = await fetch_alternatives(context.access, key, request_id=request_id, index=index)
    return Alternatives(request_id=request_id, index=index, alternatives=found)
