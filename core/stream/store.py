"""The statements of the stream, their rows, and functions that bind their parameters."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from psycopg import AsyncConnection

from core.database.query import query
from core.stream.position import Position, Snapshot
from core.traces.filters import Filters


@dataclass(frozen=True, slots=True)
class NewsRow:
    """A stored request: the columns of the feed, its owner, its transaction, and facts about the page.

    Attributes:
        position: the current snapshot.
        horizon: the first transaction id that Postgres has not assigned yet.
        id: the request; a page without requests is one row in which this and all following fields are None.
        found: the number of requests in the page.
    """

    position: str
    horizon: int
    id: int
    stored_xid: int
    user_key_hmac: bytes | None
    found: int
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
        present: the current snapshot.
        horizon: the first transaction id that Postgres has not assigned yet.
        rows: the requests, in the order of the stream.
    """

    present: Snapshot
    horizon: int
    rows: list[NewsRow]


class MatchRow(NamedTuple):
    """A request that matches a set of filters, by the ordinal of the set, from 1."""

    ordinal: int
    id: int


LISTEN = query("stream/listen")
READ_NEWS = query("stream/read_news", NewsRow)
LIST_MATCHES = query("stream/list_matches", MatchRow)


async def read_news(  # noqa: PLR0913 - the page's bounds
    conn: AsyncConnection, *, app_name: str, after: Position | None, until: Snapshot | None, limit: int, max_bytes: int
) -> News:
    """Read a page of the requests stored since a position, and the current snapshot.

    Args:
        conn: a connection. If its database belongs to another app, the statement fails with SQLSTATE TH001.
        app_name: the app that the database must belong to.
        after: the start of the page; None reads no requests.
        until: the end of the page; None for the present.
        limit: maximum requests.
        max_bytes: maximum bytes of final texts. The first request may exceed it.
    """
    rows = await READ_NEWS.fetch_all(
        conn,
        app_name=app_name,
        before=None if after is None else after.before.text,
        after_xid=str(after.xid if after else 0),
        after_id=after.id if after else 0,
        until=None if until is None else until.text,
        limit=limit,
        bytes=max_bytes,
    )
    return News(Snapshot.parse(rows[0].position), rows[0].horizon, rows if rows[0].found else [])


async def list_matches(
    conn: AsyncConnection, *, rows: Sequence[NewsRow], filters: Sequence[Filters]
) -> dict[Filters, set[int]]:
    """Return the ids of the rows that match each set of filters."""
    ids, xids = [row.id for row in rows], [str(row.stored_xid) for row in rows]
    found: dict[Filters, set[int]] = {one: set() for one in filters}
    for ordinal, row_id in await LIST_MATCHES.fetch_all(conn, filters=list(filters), ids=ids, xids=xids):
        found[filters[ordinal - 1]].add(row_id)
    return found
