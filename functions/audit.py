"""GET /v1/audit: the audit log of key changes, publications, deletions and other administrative actions."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel

from core.audit.audit import AuditFilters, list_audit
from core.audit.store import Action, Entry
from core.wire.page import DEFAULT_LIMIT, Limit
from functions.web.access import KeyDep
from functions.web.context import ContextDep
from functions.web.query import TextParam, TimeParam
from functions.web.scaling import Scaling

SCALING = Scaling(max_inputs=20, target_inputs=10, memory_mb=256)

router = APIRouter(tags=["audit"])


class AuditPage(BaseModel):
    """A page of the audit log, newest first."""

    entries: list[Entry]
    limit: int
    next_cursor: str | None


@router.get("/v1/audit")
async def get_audit(  # noqa: PLR0913 - each is a query parameter
    context: ContextDep,
    key: KeyDep,
    *,
    actor: TextParam = None,
    action: Action | None = None,
    start: Annotated[TimeParam, Query(alias="from")] = None,
    finish: Annotated[TimeParam, Query(alias="to")] = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: TextParam = None,
) -> AuditPage:
    """List the audit log, newest first. Requires an admin key. `from` is inclusive, `to` is exclusive."""
    filters = AuditFilters(actor or None, action, start, finish)
    entries, next_cursor = await list_audit(context.access, key, filters, cursor=cursor, limit=limit)
    return AuditPage(entries=entries, limit=limit, next_cursor=next_cursor)
