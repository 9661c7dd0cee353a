"""/logs/{id}/tags and /logs/{id}/favorite: what people add to a request."""

from typing import Any

from fastapi import APIRouter, FastAPI, Request
from pydantic import BaseModel

from core.curation.curation import (
    FavoriteChange,
    TagChange,
    add_favorite,
    add_tag,
    read_curation,
    remove_favorite,
    remove_tag,
)
from functions.web.access import KeyDep
from functions.web.application import build_app
from functions.web.body import describe_body, read_model
from functions.web.context import ContextDep
from functions.web.scaling import Scaling

SCALING = Scaling(max_inputs=50, target_inputs=30, memory_mb=256)

FULL: dict[int | str, dict[str, Any]] = {409: {"description": "the request has as many as it may have"}}

router = APIRouter(tags=["curation"], prefix="/logs/{request_id}")


class Tags(BaseModel):
    """A request's tags, in the order they came."""

    request_id: str
    tags: list[str]
    message: str


class Favorites(BaseModel):
    """Who has a request among their favorites."""

    request_id: str
    favorited_by: list[str]
    message: str


@router.get("/tags")
async def get_tags(context: ContextDep, key: KeyDep, request_id: str) -> Tags:
    """A request's tags; those of a public one for anybody."""
    row = await read_curation(context.access, key, request_id=request_id)
    return Tags(request_id=request_id, tags=row.tags, message=f"tags: {len(row.tags)}")


@router.post("/tags", openapi_extra=describe_body(TagChange), responses=FULL)
async def post_tag(request: Request, context: ContextDep, key: KeyDep, request_id: str) -> Tags:
    """Tag a request; one that it has stays."""
    await context.access.admit(key)
    change = await read_model(request, TagChange)
    row, message = await add_tag(context.access, key, request_id=request_id, tag=change.tag)
    return Tags(request_id=request_id, tags=row.tags, message=message)


@router.delete("/tags", openapi_extra=describe_body(TagChange))
async def delete_tag(request: Request, context: ContextDep, key: KeyDep, request_id: str) -> Tags:
    """Take a tag off a request."""
    await context.access.admit(key)
    change = await read_model(request, TagChange)
    row, message = await remove_tag(context.access, key, request_id=request_id, tag=change.tag)
    return Tags(request_id=request_id, tags=row.tags, message=message)


@router.get("/favorite")
async def get_favorite(context: ContextDep, key: KeyDep, request_id: str) -> Favorites:
    """Who has a request among their favorites; of a public one, nobody is told to others."""
    row = await read_curation(context.access, key, request_id=request_id)
    return Favorites(request_id=request_id, favorited_by=row.favorited_by, message=f"names: {len(row.favorited_by)}")


@router.post("/favorite", openapi_extra=describe_body(FavoriteChange), responses=FULL)
async def post_favorite(request: Request, context: ContextDep, key: KeyDep, request_id: str) -> Favorites:
    """Put a request among somebody's favorites."""
    await context.access.admit(key)
    change = await read_model(request, FavoriteChange)
    row, message = await add_favorite(context.access, key, request_id=request_id, name=change.name)
    return Favorites(request_id=request_id, favorited_by=row.favorited_by, message=message)


@router.delete("/favorite", openapi_extra=describe_body(FavoriteChange))
async def delete_favorite(request: Request, context: ContextDep, key: KeyDep, request_id: str) -> Favorites:
    """Take a request out of somebody's favorites."""
    await context.access.admit(key)
    change = await read_model(request, FavoriteChange)
    row, message = await remove_favorite(context.access, key, request_id=request_id, name=change.name)
    return Favorites(request_id=request_id, favorited_by=row.favorited_by, message=message)


def web() -> FastAPI:
    """The ASGI application of this endpoint."""
    return build_app(router)
