"""The statements of the stream, their rows, and functions that bind their parameters."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from psycopg import AsyncConnection, AsyncRawCursor

from core.database.query import query
from core.stream.position import Position, Snapshot
from core.traces.filters import Filters


class NewsRow(NamedTuple):
    """A stored request: the columns of the feed, its owner, its transaction, and facts about the page.

    Attributes:
        snapshot: the current snapshot.
        newest_xid: the newest transaction that stored a request.
        id: the request; a page without requests is one row in which this and all following fields are None.
        next_id: the next stored request, even if it is not in the page; None if there are no more.
    """

    snapshot: str
    newest_xid: int | None
    id: int
    stored_xid: int
    user_key_hmac: bytes | None
    next_id: int | None
    request_id: str
    created_ts: datetime
    finished_ts: datetime | None
    model_id: str | None
    user_api_key: str | None
    final_text: str | None
    total_steps: int
    favorited_by: list[str]
    discussion_count: int
    active_mod: str | None
    tags: list[str]
    sequence_confidence: float | None
    sequence_confidence_is_bound: bool | None
    lowest_group_confidence: float | None
    group_confidence: list[float] | None
    source: str
    group_id: str | None
    p_correct: float | None
    calibrator: dict[str, int] | None
    prompt: str | None
    latency_ms: float | None
    tokens: int | None
    outcome: str | None
    ending: str | None
    has_exception: bool


@dataclass(frozen=True, slots=True)
class News:
    """A page of stored requests.

    Attributes:
        present: the current snapshot, up to the newest request.
        horizon: the first transaction id that Postgres has not assigned yet.
        rows: the requests, in the order of the stream.
        is_last: whether there are no more requests for now.
    """

    present: Snapshot
    horizon: int
    rows: list[NewsRow]
    is_last: bool


class MatchRow(NamedTuple):
    """A request that matches a set of filters, by the ordinal of the set, from 1."""

    ordinal: int
    id: int


LISTEN = query("stream/listen")
READ_NEWS = query("stream/read_news", NewsRow, is_binary=True)
LIST_MATCHES = query("stream/list_matches", MatchRow)


async def read_news(  # noqa: PLR0913 - the page's bounds
    cursor: AsyncRawCursor[NewsRow],
    *,
    app_name: str,
    after: Position | None,
    until: Snapshot | None,
    limit: int,
    max_bytes: int,
) -> News:
    """Read a page of the requests stored since a position, and the current snapshot.

    Args:
        cursor: a cursor of READ_NEWS. If its database belongs to another app, the statement fails with SQLSTATE TH001.
        app_name: the app that the database must belong to.
        after: the start of the page; None reads no requests.
        until: the end of the page; None for the present.
        limit: maximum requests.
        max_bytes: maximum bytes of final texts. The first request may exceed it.
    """
    rows = await READ_NEWS.fetch_again(
        cursor,
        app_name=app_name,
        first_xid=None if after is None else str(after.before.xmax),
        running=[] if after is None else [str(xid) for xid in after.before.running],
        after_xid=str(after.xid if after else 0),
        after_id=after.id if after else 0,
        until=None if until is None else until.text,
        limit=limit,
        bytes=max_bytes,
    )
    current = Snapshot.parse(rows[0].snapshot)
    present = current.cut(rows[0].newest_xid, at_least=0 if after is None else after.before.xmax)
    found = rows if rows[0].request_id else []
    return News(present, current.xmax, found, rows[-1].next_id is None)


async def list_matches(
    conn: AsyncConnection, *, rows: Sequence[NewsRow], filters: Sequence[Filters]
) -> dict[Filters, set[int]]:
    """Return the ids of the rows that match each set of filters."""
    ids, xids = [row.id for row in rows], [str(row.stored_xid) for row in rows]
    found: dict[Filters, set[int]] = {one: set() for one in filters}
    for ordinal, row_id in await LIST_MATCHES.fetch_all(conn, filters=list(filters), ids=ids, xids=xids):
        found[filters[ordinal - 1]].add(row_id)
    return found
