"""DELETE /logs/{id} and /v1/deletions: requests that go for good, and the receipts."""

from fastapi import APIRouter, FastAPI
from pydantic import BaseModel

from core.deletions.deletion import delete_request, list_deletions
from core.deletions.store import Deletion
from core.traces.read import DEFAULT_LIMIT, clamp_page
from functions.common.access import KeyDep
from functions.common.application import build_app
from functions.common.context import ContextDep
from functions.common.query import TextParam
from functions.common.scaling import Scaling

SCALING = Scaling(max_inputs=20, target_inputs=10, memory_mb=256)

router = APIRouter(tags=["deletions"])


class Deleted(BaseModel):
    """A request that is gone, and the receipt."""

    request_id: str
    deletion: Deletion
    message: str


class Deletions(BaseModel):
    """A page of the receipts, newest first."""

    deletions: list[Deletion]
    limit: int
    offset: int


@router.delete("/logs/{request_id}")
async def delete_log(context: ContextDep, key: KeyDep, request_id: str) -> Deleted:
    """Delete a request and all that hangs on it, for good."""
    deletion = await delete_request(context.access, key, request_id=request_id)
    return Deleted(request_id=request_id, deletion=deletion, message="deleted, for good")


@router.get("/v1/deletions")
async def get_deletions(
    context: ContextDep, key: KeyDep, *, request_id: TextParam = None, limit: int = DEFAULT_LIMIT, offset: int = 0
) -> Deletions:
    """The receipts of what was deleted, for admins; those of one request, if its id is given."""
    limit, offset = clamp_page(limit, offset)
    page = await list_deletions(context.access, key, request_id=request_id or None, limit=limit, offset=offset)
    return Deletions(deletions=page, limit=limit, offset=offset)


def web() -> FastAPI:
    """The ASGI application of this endpoint."""
    return build_app(router)
