"""Legal holds: a request on hold can't be deleted or replaced until an admin lifts the hold."""

from typing import Annotated

from pydantic import StringConstraints

from core.access.access import Access
from core.access.caller import Scope
from core.audit.store import Action, name_request
from core.deletions import store
from core.deletions.store import Hold
from core.errors import NotFoundError
from core.traces.own_request import lock_own_request
from core.wire.json_text import to_column_text
from core.wire.models import Body


class NewHold(Body):
    """The reason for a legal hold."""

    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000)]


async def set_hold(access: Access, key: str | None, *, request_id: str, new: NewHold) -> Hold:
    """Put a request on legal hold, or replace the reason of its hold. Admins only.

    Raises:
        NotFoundError: the request does not exist.
    """
    async with access.session(key, Scope.ADMIN) as session:
        row_id = await lock_own_request(session, request_id)
        reason = await session.resolve_text(to_column_text(new.reason)) or ""
        hold = await store.SET_HOLD.fetch_only(
            session.conn, request_pk=row_id, request_id=request_id, reason=reason, held_by=session.actor
        )
        await session.note(Action.SET_HOLD, name_request(request_id))
    return hold


async def lift_hold(access: Access, key: str | None, *, request_id: str) -> None:
    """Lift the legal hold of a request. Admins only.

    Raises:
        NotFoundError: the request does not exist, or is not on legal hold.
    """
    async with access.session(key, Scope.ADMIN) as session:
        row_id = await lock_own_request(session, request_id)
        if await store.LIFT_HOLD.fetch_one(session.conn, request_pk=row_id) is None:
            raise NotFoundError(f"request_id: {request_id!r} is not on legal hold; list the holds with GET /v1/holds")
        await session.note(Action.LIFT_HOLD, name_request(request_id))


async def list_holds(access: Access, key: str | None, *, limit: int, offset: int) -> list[Hold]:
    """List a page of the requests on legal hold, newest hold first. Admins only."""
    async with access.session(key, Scope.ADMIN) as session:
        return await store.LIST_HOLDS.fetch_all(session.conn, limit=limit, offset=offset)
