"""Reading the audit log. What is noted there is noted by those who do it, in the same transaction."""

from dataclasses import dataclass
from datetime import datetime

from core.access.caller import Scope
from core.access.session import Access
from core.audit import store
from core.audit.store import Action, Entry
from core.errors import InvalidInputError

MAX_CURSOR = 2**63 - 1


@dataclass(frozen=True, slots=True)
class AuditFilters:
    """What the list is narrowed to; `start` is inclusive, `finish` exclusive. None: everything."""

    actor: str | None = None
    action: Action | None = None
    start: datetime | None = None
    finish: datetime | None = None


async def list_audit(
    access: Access, key: str | None, filters: AuditFilters, *, cursor: str | None, limit: int
) -> tuple[list[Entry], str | None]:
    """Return a page, newest first, and the cursor of the next one, for admins.

    Raises:
        InvalidInputError: the cursor is none that a page gave.
    """
    before_id = None if cursor is None else _read_cursor(cursor)
    async with access.visit(key, Scope.ADMIN) as visit:
        entries = await store.list_entries(
            visit.conn,
            actor=filters.actor,
            action=filters.action,
            start=filters.start,
            finish=filters.finish,
            before_id=before_id,
            limit=limit + 1,
        )
    more = len(entries) > limit
    return entries[:limit], str(entries[limit - 1].id) if more else None


def _read_cursor(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= MAX_CURSOR):
        raise InvalidInputError("cursor: not one that an answer gave as next_cursor; leave it out to begin anew")
    return int(text)
