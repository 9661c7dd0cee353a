"""A page of newly stored traces, with the clients that may receive each of them."""

import contextlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import psycopg
from psycopg import AsyncConnection, AsyncRawCursor

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
View = tuple[bytes | None, int]
"""The owner whose traces a client may see (Caller.owner_filter), and the identity of the client's selection among them.

Hashing a selection for each client would take longer than queueing a message."""


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
    _chosen: dict[View, Chosen | InvalidInputError] = field(default_factory=dict[View, Chosen | InvalidInputError])

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
        view = (subscription.caller.owner_filter, id(subscription.wanted))
        chosen = self._chosen.get(view)
        if chosen is None:
            chosen = self._chosen[view] = self._choose(subscription.caller, subscription.wanted)
        if isinstance(chosen, InvalidInputError):
            subscription.end(chosen)
            return
        subscription.deliver(chosen)
        subscription.advance(self.end)

    def _choose(self, caller: Caller, wanted: Wanted) -> Chosen | InvalidInputError:
        """Return the messages of all clients with the same access and selection."""
        matching = self.matches.get(wanted.filters)
        if matching is None and self.rows and wanted.filters != NO_FILTERS:
            return InvalidInputError("q: too many words to search for at once; send fewer")
        return [
            (row.stored_xid, message)
            for row, message in self.rows
            if caller.may_see(row.user_key_hmac) and wanted.fits(row) and (matching is None or row.id in matching)
        ]


async def read_page(
    cursor: AsyncRawCursor[NewsRow],
    access: Access,
    *,
    after: Position | None,
    until: Snapshot | None,
    audience: Collection[Subscription],
) -> Page:
    """Read the traces stored after a position and check the audience's keys.

    Args:
        cursor: a cursor of READ_NEWS.
        access: what looks the keys up.
        after: the start of the page; None reads no traces.
        until: the end of the page; None for the present.
        audience: the clients.

    Raises:
        RestoredError: the database has not reached `after` or `until` yet.
    """
    conn, name = cursor.connection, access.pool.app_name
    news = await store.read_news(cursor, app_name=name, after=after, until=until, limit=PAGE_ROWS, max_bytes=PAGE_BYTES)
    if news.horizon < max((until or news.present).xmax, after.xmax if after else 0):
        raise RestoredError("database: was restored to an earlier state; connect again, and read the feed again")
    rows, until = news.rows, until or news.present
    filters = list({one.wanted.filters for one in audience} - {NO_FILTERS})
    matches = await _match(conn, rows, filters) if rows and filters else {}
    callers = await access.authenticate_all(conn, {one.key for one in audience}, Scope.READ)
    before = until if after is None else after.before
    positions = [Position(before, until, row.stored_xid, row.id) for row in rows]
    if news.is_last:
        positions[-1:] = [Position(until)]
    messages = [Message(render_row(row), end.write()) for row, end in zip(rows, positions[: len(rows)], strict=True)]
    sent, end = list(zip(rows, messages, strict=True)), positions[-1]
    return Page(sent, end, news.is_last, news.present, news.horizon, callers, matches)


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
