"""A page of news: what was stored, who may be told, and whose filters let what through, all from one moment on."""

import contextlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

import psycopg
from psycopg import AsyncConnection

from core.access.caller import Caller, Scope
from core.access.session import Access
from core.errors import InvalidInputError, ThunderError
from core.stream import store
from core.stream.message import Message, render_row
from core.stream.position import Position, Snapshot
from core.stream.store import NewsRow
from core.stream.subscription import NO_FILTERS, Subscription
from core.traces.feed import Filters

PAGE_ROWS = 100
PAGE_BYTES = 2 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Page:
    """What was stored behind a position.

    Attributes:
        rows: each with its message, in order.
        end: the position behind them.
        is_last: whether there is no more for now.
        callers: who has each key of the audience, or why it does not do any more.
        matches: the ids that pass each set of filters.
    """

    rows: list[tuple[NewsRow, Message]]
    end: Position
    is_last: bool
    callers: Mapping[str, Caller | ThunderError]
    matches: Mapping[Filters, set[int]]

    @property
    def first_expiry(self) -> datetime | None:
        """When the first key of the audience dies by itself."""
        callers = (one for one in self.callers.values() if isinstance(one, Caller))
        return min((one.expires_at for one in callers if one.expires_at is not None), default=None)

    def admit(self, subscription: Subscription) -> None:
        """Look at a client's key: it may have died, or see other things than before."""
        caller = self.callers[subscription.key]
        if isinstance(caller, Caller):
            subscription.caller = caller
        else:
            subscription.end(caller)

    def tell(self, subscription: Subscription) -> None:
        """Tell a client what is for it."""
        filters = subscription.wanted.filters
        if self.rows and filters != NO_FILTERS and filters not in self.matches:
            subscription.end(InvalidInputError("q: it is more than can be searched for at once"))
            return
        matching = None if filters == NO_FILTERS else self.matches.get(filters)
        for row, message in self.rows:
            subscription.tell(row, message, matching)
        subscription.advance(self.end)


async def read_page(
    conn: AsyncConnection, access: Access, *, after: Position, until: Snapshot, audience: Collection[Subscription]
) -> Page:
    """Read what was stored behind a position up to a snapshot, and look at the keys of those who will be told."""
    rows: list[NewsRow] = []
    if after != Position(until):
        rows = await store.list_news(conn, after=after, until=until, limit=PAGE_ROWS, max_bytes=PAGE_BYTES)
    filters = list({one.wanted.filters for one in audience} - {NO_FILTERS})
    matches = await _match(conn, rows, filters) if rows and filters else {}
    callers = await access.identify_all(conn, {one.key for one in audience}, Scope.READ)
    is_last = not rows or rows[0].found == len(rows)
    places = [Position(after.before, until, row.stored_xid, row.id) for row in rows]
    if is_last:
        places[-1:] = [Position(until)]
    told = [
        (row, Message(render_row(row), place.write())) for row, place in zip(rows, places[: len(rows)], strict=True)
    ]
    return Page(told, places[-1], is_last, callers, matches)


async def _match(conn: AsyncConnection, rows: list[NewsRow], filters: list[Filters]) -> dict[Filters, set[int]]:
    """The ids that pass each set of filters; a set that Postgres cannot work with is left out, and harms no other."""
    try:
        return await store.list_matches(conn, rows=rows, filters=filters)
    except (psycopg.InternalError, psycopg.DataError):
        matches: dict[Filters, set[int]] = {}
        for one in filters:
            with contextlib.suppress(psycopg.InternalError, psycopg.DataError):
                matches |= await store.list_matches(conn, rows=rows, filters=[one])
        return matches
