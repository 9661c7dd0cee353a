"""A page of newly stored traces, with the clients that may receive each of them."""

import contextlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import psycopg
from psycopg import AsyncConnection

from core.access.access import Access
from core.access.caller import Caller, Scope
from core.errors import InvalidInputError, ThunderError
from core.stream import store
from core.stream.message import Message, render_row
from core.stream.position import Position, Snapshot
from core.stream.store import NewsRow
from core.stream.subscription import Subscription, Wanted
from core.traces.filters import NO_FILTERS, Filters

PAGE_ROWS = 100
PAGE_BYTES = 2 * 1024 * 1024


class RestoredError(ThunderError):
    """The database was restored to a state before a position that it had reached."""

    status = 503


Chosen = list[tuple[int, Message]]
"""Messages, each with the id of the transaction that stored its trace."""
View = tuple[bytes | None, Wanted]
"""The owner whose traces a client may see (Caller.owner_filter), and the client's selection among them."""


@dataclass(frozen=True, slots=True)
class Page:
    """The traces stored after a position.

    Attributes:
        rows: the traces, each with its message, in order.
        end: the position after the page.
        is_last: whether this is the last page for now.
        present: the current snapshot when the page was read.
        horizon: the first transaction id that Postgres had not assigned by then.
        callers: the caller of each key of the audience, or the error if the key is refused now.
        matches: the ids that match each set of filters.
    """

    rows: list[tuple[NewsRow, Message]]
    end: Position
    is_last: bool
    present: Snapshot
    horizon: int
    callers: Mapping[str, Caller | ThunderError]
    matches: Mapping[Filters, set[int]]
    _chosen: dict[View, Chosen] = field(default_factory=dict[View, Chosen])

    @property
    def first_expiry(self) -> datetime | None:
        """The earliest expiry of the audience's keys; None if none of them expires."""
        callers = (one for one in self.callers.values() if isinstance(one, Caller))
        return min((one.expires_at for one in callers if one.expires_at is not None), default=None)

    def authorize(self, subscription: Subscription) -> None:
        """Apply the current state of a client's key: it may be revoked, or its access may have changed."""
        caller = self.callers[subscription.key]
        if isinstance(caller, Caller):
            subscription.caller = caller
        else:
            subscription.end(caller)

    def deliver(self, subscription: Subscription) -> None:
        """Queue the messages that a client may see and has selected."""
        filters = subscription.wanted.filters
        if self.rows and filters != NO_FILTERS and filters not in self.matches:
            subscription.end(InvalidInputError("q: too many words to search for at once; send fewer"))
            return
        subscription.deliver(self._choose(subscription.caller, subscription.wanted))
        subscription.advance(self.end)

    def _choose(self, caller: Caller, wanted: Wanted) -> Chosen:
        """Return a client's messages. They are computed once for all clients with the same access and selection."""
        view = (caller.owner_filter, wanted)
        if view not in self._chosen:
            matching = self.matches.get(wanted.filters)
            self._chosen[view] = [
                (row.stored_xid, message)
                for row, message in self.rows
                if caller.may_see(row.user_key_hmac) and wanted.fits(row) and (matching is None or row.id in matching)
            ]
        return self._chosen[view]


async def read_page(
    conn: AsyncConnection,
    access: Access,
    *,
    after: Position | None,
    until: Snapshot | None,
    audience: Collection[Subscription],
) -> Page:
    """Read the traces stored after a position and check the audience's keys. `until` None means the present.

    Raises:
        RestoredError: the database has not reached `after` or `until` yet.
    """
    name = access.pool.app_name
    news = await store.read_news(conn, app_name=name, after=after, until=until, limit=PAGE_ROWS, max_bytes=PAGE_BYTES)
    if news.horizon < max(one.xmax for one in (until or news.present, after.latest if after else news.present)):
        raise RestoredError("database: was restored to an earlier state; connect again, and read the feed again")
    rows, until = news.rows, until or news.present
    filters = list({one.wanted.filters for one in audience} - {NO_FILTERS})
    matches = await _match(conn, rows, filters) if rows and filters else {}
    callers = await access.authenticate_all(conn, {one.key for one in audience}, Scope.READ)
    is_last = not rows or rows[0].found == len(rows)
    before = until if after is None else after.before
    positions = [Position(before, until, row.stored_xid, row.id) for row in rows]
    if is_last:
        positions[-1:] = [Position(until)]
    messages = [Message(render_row(row), end.write()) for row, end in zip(rows, positions[: len(rows)], strict=True)]
    return Page(
        list(zip(rows, messages, strict=True)), positions[-1], is_last, news.present, news.horizon, callers, matches
    )


async def _match(conn: AsyncConnection, rows: list[NewsRow], filters: list[Filters]) -> dict[Filters, set[int]]:
    """Return the ids that match each set of filters. Sets that Postgres refuses are left out."""
    try:
        return await store.list_matches(conn, rows=rows, filters=filters)
    except (psycopg.InternalError, psycopg.DataError):
        matches: dict[Filters, set[int]] = {}
        for one in filters:
            with contextlib.suppress(psycopg.InternalError, psycopg.DataError):
                matches |= await store.list_matches(conn, rows=rows, filters=[one])
        return matches
