"""/logs/{id}/tags and /logs/{id}/favorite: the tags and favorites of a request."""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel

from core.curation.curation import FavoriteChange, TagChange, edit_curation, read_curation
from functions.web.access import KeyDep
from functions.web.context import ContextDep
from functions.web.scaling import Scaling
from functions.web.small_body import SmallBodyRoute

SCALING = Scaling(max_inputs=50, target_inputs=30, memory_mb=256)

FULL: dict[int | str, dict[str, Any]] = {409: {"description": "the request has reached a limit"}}

router = APIRouter(tags=["curation"], prefix="/logs/{request_id}", route_class=SmallBodyRoute)


class Tags(BaseModel):
    """The tags of a request, in the order they were added."""

    request_id: str
    tags: list[str]
    message: str


class Favorites(BaseModel):
    """The names of the people who marked a request as a favorite."""

    request_id: str
    favorited_by: list[str]
    message: str


@router.get("/tags")
async def get_tags(context: ContextDep, key: KeyDep, request_id: str) -> Tags:
    """List the tags of a request. The tags of a public request are public too."""
    row = await read_curation(context.access, key, request_id=request_id)
    return Tags(request_id=request_id, tags=row.tags, message=f"tags: {len(row.tags)}")


@router.post("/tags", responses=FULL)
async def post_tag(context: ContextDep, key: KeyDep, request_id: str, change: TagChange) -> Tags:
    """Add a tag to a request. Adding a tag that it already has changes nothing."""
    row, message = await edit_curation(context.access, key, request_id=request_id, change=change, is_added=True)
    return Tags(request_id=request_id, tags=row.tags, message=message)


@router.delete("/tags")
async def delete_tag(context: ContextDep, key: KeyDep, request_id: str, change: TagChange) -> Tags:
    """Remove a tag from a request."""
    row, message = await edit_curation(context.access, key, request_id=request_id, change=change, is_added=False)
    return Tags(request_id=request_id, tags=row.tags, message=message)


@router.get("/favorite")
async def get_favorite(context: ContextDep, key: KeyDep, request_id: str) -> Favorites:
    """List the people who marked a request as a favorite. Callers with only public access get an empty list."""
    row = await read_curation(context.access, key, request_id=request_id)
    return Favorites(request_id=request_id, favorited_by=row.favorited_by, message=f"names: {len(row.favorited_by)}")


@router.post("/favorite", responses=FULL)
async def post_favorite(context: ContextDep, key: KeyDep, request_id: str, change: FavoriteChange) -> Favorites:
    """Mark a request as a favorite of a person."""
    row, message = await edit_curation(context.access, key, request_id=request_id, change=change, is_added=True)
    return Favorites(request_id=request_id, favorited_by=row.favorited_by, message=message)


@router.delete("/favorite")
async def delete_favorite(context: ContextDep, key: KeyDep, request_id: str, change: FavoriteChange) -> Favorites:
    """Remove a request from the favorites of a person."""
    row, message = await edit_curation(context.access, key, request_id=request_id, change=change, is_added=False)
    return Favorites(request_id=request_id, favorited_by=row.favorited_by, message=message)
