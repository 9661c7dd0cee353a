"""The events of alerts: list them, and insert tests."""

from core.access.access import Access
from core.access.caller import Scope
from core.alerts import store
from core.alerts.alert import lock_own_alert
from core.alerts.store import AlertEvent, ClaimedEvent
from core.database.pool import checkout, retry_read
from core.errors import ThunderError
from core.wire.page import read_cursor

LEASE_S = 60
"""How long an event is kept from other processes while one delivers it. Longer than an attempt takes."""
TEST_PAUSE_S = 5


class TooManyTestsError(ThunderError):
    """The alert was tested a moment ago."""

    status = 429


@retry_read
async def list_events(
    access: Access, key: str | None, *, alert_id: int | None, cursor: str | None, limit: int
) -> tuple[list[AlertEvent], str | None]:
    """List a page of the events of the caller's alerts, newest first, with the cursor of the next page.

    Raises:
        InvalidInputError: the cursor is not valid.
    """
    before_id = read_cursor(cursor)
    async with access.session(key, Scope.READ) as session:
        owner = session.caller.owner_filter
        rows = await store.LIST_EVENTS.fetch_all(
            session.conn, owner=owner, alert_id=alert_id, before_id=before_id, limit=limit + 1
        )
    return rows[:limit], str(rows[limit - 1].row_id) if len(rows) > limit else None


async def insert_test(access: Access, key: str | None, *, number: int) -> ClaimedEvent:
    """Insert a test event whose delivery the caller of this function must attempt now.

    Raises:
        NotFoundError: no such alert, or it belongs to another user.
        TooManyTestsError: the alert was tested a moment ago.
    """
    async with access.session(key, Scope.CURATE) as session:
        await lock_own_alert(session, number)
        event_id = await store.INSERT_TEST.fetch_one(session.conn, id=number, lease_s=LEASE_S, pause_s=TEST_PAUSE_S)
        if event_id is None:
            raise TooManyTestsError(f"alert: tested less than {TEST_PAUSE_S} s ago; try again in a moment")
        return await store.GET_CLAIMED.fetch_only(session.conn, ids=[event_id])


@retry_read
async def read_event(access: Access, event: ClaimedEvent) -> AlertEvent | None:
    """Return the state of an event that was inserted for this caller; None if it was deleted in the meantime."""
    async with checkout(access.pool) as conn:
        rows = await store.LIST_EVENTS.fetch_all(
            conn, owner=event.owner, alert_id=event.alert_id, before_id=event.id + 1, limit=1
        )
    return next((row for row in rows if row.row_id == event.id), None)
