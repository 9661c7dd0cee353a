"""DELETE /logs/{id}, /v1/deletions and legal holds: permanent deletion, its receipts, and protection against it."""

from fastapi import APIRouter
from pydantic import BaseModel

from core.deletions.deletion import delete_request, list_deletions
from core.deletions.hold import NewHold, lift_hold, list_holds, set_hold
from core.deletions.store import Deletion, Hold
from core.wire.page import DEFAULT_LIMIT, Limit, Offset
from functions.web.access import KeyDep
from functions.web.context import ContextDep
from functions.web.query import TextParam
from functions.web.scaling import Scaling
from functions.web.small_body import SmallBodyRoute

SCALING = Scaling(max_inputs=20, target_inputs=10, memory_mb=256)

router = APIRouter(tags=["deletions"], route_class=SmallBodyRoute)


class Deleted(BaseModel):
    """A deleted request, and the receipt of its deletion."""

    request_id: str
    deletion: Deletion
    message: str


class LiftedHold(BaseModel):
    """A request that is no longer on legal hold."""

    request_id: str
    message: str


class Holds(BaseModel):
    """A page of the requests on legal hold, most recent hold first."""

    holds: list[Hold]
    limit: int
    offset: int


class Deletions(BaseModel):
    """A page of deletion receipts, newest first."""

    deletions: list[Deletion]
    limit: int
    offset: int


@router.delete("/logs/{request_id}", responses={409: {"description": "the request is on legal hold"}})
async def delete_log(context: ContextDep, key: KeyDep, request_id: str) -> Deleted:
    """Delete a request and all data that belongs to it, permanently."""
    deletion = await delete_request(context.access, key, request_id=request_id)
    return Deleted(request_id=request_id, deletion=deletion, message="permanently deleted")


@router.get("/v1/deletions")
async def get_deletions(
    context: ContextDep, key: KeyDep, *, request_id: TextParam = None, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0
) -> Deletions:
    """List deletion receipts, newest first; with `request_id`, those of one request. Requires an admin key."""
    page = await list_deletions(context.access, key, request_id=request_id or None, limit=limit, offset=offset)
    return Deletions(deletions=page, limit=limit, offset=offset)


@router.put("/logs/{request_id}/hold")
async def put_hold(context: ContextDep, key: KeyDep, request_id: str, new: NewHold) -> Hold:
    """Put a request on legal hold, so that it can't be deleted or replaced. Requires an admin key."""
    return await set_hold(context.access, key, request_id=request_id, new=new)


@router.delete("/logs/{request_id}/hold")
async def delete_hold(context: ContextDep, key: KeyDep, request_id: str) -> LiftedHold:
    """Lift a legal hold. Requires an admin key."""
    await lift_hold(context.access, key, request_id=request_id)
    return LiftedHold(request_id=request_id, message="no longer on legal hold")


@router.get("/v1/holds")
async def get_holds(context: ContextDep, key: KeyDep, *, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0) -> Holds:
    """List the requests on legal hold, most recent hold first. Requires an admin key."""
    page = await list_holds(context.access, key, limit=limit, offset=offset)
    return Holds(holds=page, limit=limit, offset=offset)
