"""/logs/{id}/discussions: comments on a request."""

from fastapi import APIRouter
from pydantic import BaseModel

from core.discussions.discussion import (
    Discussion,
    DiscussionChange,
    NewDiscussion,
    add_discussion,
    delete_discussion,
    edit_discussion,
    list_discussions,
    read_discussion,
)
from core.wire.page import DEFAULT_LIMIT, Limit, Offset
from functions.web.access import KeyDep
from functions.web.context import ContextDep
from functions.web.done import Done
from functions.web.query import RowId
from functions.web.scaling import Scaling
from functions.web.small_body import SmallBodyRoute

SCALING = Scaling(max_inputs=50, target_inputs=30, memory_mb=256)

router = APIRouter(tags=["discussions"], prefix="/logs/{request_id}/discussions", route_class=SmallBodyRoute)


class Discussions(BaseModel):
    """A page of the comments on a request, oldest first."""

    request_id: str
    discussions: list[Discussion]
    total: int
    limit: int
    offset: int


class ChangedDiscussion(BaseModel):
    """A comment after a change."""

    discussion: Discussion
    message: str


@router.get("")
async def get_discussions(
    context: ContextDep, key: KeyDep, request_id: str, *, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0
) -> Discussions:
    """List the comments on a request, oldest first. Callers with only public access get an empty list."""
    page, total = await list_discussions(context.access, key, request_id=request_id, limit=limit, offset=offset)
    return Discussions(request_id=request_id, discussions=page, total=total, limit=limit, offset=offset)


@router.post(
    "",
    status_code=201,
    responses={409: {"description": "the request has the maximum number of comments"}},
)
async def post_discussion(context: ContextDep, key: KeyDep, request_id: str, new: NewDiscussion) -> ChangedDiscussion:
    """Add a comment to a request."""
    discussion = await add_discussion(context.access, key, request_id=request_id, new=new)
    return ChangedDiscussion(discussion=discussion, message="comment added")


@router.get("/{discussion_id}")
async def get_discussion(context: ContextDep, key: KeyDep, request_id: str, discussion_id: RowId) -> Discussion:
    """Return one comment."""
    return await read_discussion(context.access, key, request_id=request_id, number=discussion_id)


@router.put("/{discussion_id}")
async def put_discussion(
    context: ContextDep, key: KeyDep, request_id: str, discussion_id: RowId, change: DiscussionChange
) -> ChangedDiscussion:
    """Edit a comment."""
    discussion = await edit_discussion(context.access, key, request_id=request_id, number=discussion_id, change=change)
    return ChangedDiscussion(discussion=discussion, message="comment changed")


@router.delete("/{discussion_id}")
async def remove_discussion(context: ContextDep, key: KeyDep, request_id: str, discussion_id: RowId) -> Done:
    """Delete a comment."""
    await delete_discussion(context.access, key, request_id=request_id, number=discussion_id)
    return Done(id=discussion_id, message="comment deleted")
