"""Read the audit log. Each audited operation writes its own entry, in the same transaction."""

from dataclasses import dataclass
from datetime import datetime

from core.access.access import Access
from core.access.caller import Scope
from core.audit import store
from core.audit.store import Action, Entry
from core.wire.page import read_cursor


@dataclass(frozen=True, slots=True)
class AuditFilters:
    """The filters of the list. `start` is inclusive, `finish` exclusive, and None matches every entry."""

    actor: str | None = None
    action: Action | None = None
    start: datetime | None = None
    finish: datetime | None = None


async def list_audit(
    access: Access, key: str | None, filters: AuditFilters, *, cursor: str | None, limit: int
) -> tuple[list[Entry], str | None]:
    """Return a page, newest first, and the cursor of the next page. Admins only.

    Raises:
        InvalidInputError: the cursor is not valid.
    """
    before_id = read_cursor(cursor)
    async with access.session(key, Scope.ADMIN) as session:
        entries = await store.LIST_ENTRIES.fetch_all(
            session.conn,
            actor=filters.actor,
            action=filters.action,
            start=filters.start,
            finish=filters.finish,
            before_id=before_id,
            limit=limit + 1,
        )
    more = len(entries) > limit
    return entries[:limit], str(entries[limit - 1].id) if more else None
