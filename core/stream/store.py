"""The SQL of the stream. Each function runs one statement."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

from psycopg import AsyncConnection
from psycopg.rows import class_row
from pydantic import BaseModel, ConfigDict, Field

from core.database.sql import load_query
from core.stream.position import Position, Snapshot
from core.traces.feed import Filters
from core.traces.store import FeedRow

_LISTEN = load_query("stream/listen")
_READ_PRESENT = load_query("stream/read_present")
_LIST_NEWS = load_query("stream/list_news")
_LIST_MATCHES = load_query("stream/list_matches")


class PresentRow(BaseModel):
    """Where the stream is now: a snapshot's text; and the first transaction number that nobody had yet."""

    model_config = ConfigDict(frozen=True)

    position: str
    horizon: int


class NewsRow(FeedRow):
    """A request as the feed shows it, with whose it is, where in the stream, and how many the page found."""

    user_key_hmac: Annotated[bytes | None, Field(exclude=True)]
    stored_xid: Annotated[int, Field(exclude=True)]
    found: Annotated[int, Field(exclude=True)]


class MatchRow(BaseModel):
    """A request that passes a set of filters, by the place of the set from 1."""

    model_config = ConfigDict(frozen=True)

    place: int
    id: int


async def listen(conn: AsyncConnection) -> None:
    """Be notified when something was stored, or a key changed."""
    await conn.execute(_LISTEN)


async def read_present(conn: AsyncConnection) -> PresentRow:
    """Where the stream is now."""
    cursor = conn.cursor(row_factory=class_row(PresentRow))
    await cursor.execute(_READ_PRESENT)
    (row,) = await cursor.fetchall()
    return row


async def list_news(
    conn: AsyncConnection, *, after: Position, until: Snapshot, limit: int, max_bytes: int
) -> list[NewsRow]:
    """What was stored since a position, up to a snapshot; the first row of a page may be larger than the page."""
    place = {"after_xid": str(after.xid), "after_id": after.id, "limit": limit, "bytes": max_bytes}
    cursor = conn.cursor(row_factory=class_row(NewsRow))
    await cursor.execute(_LIST_NEWS, {"before": after.before.text, "until": until.text, **place})
    return await cursor.fetchall()


async def list_matches(
    conn: AsyncConnection, *, rows: Sequence[NewsRow], filters: Sequence[Filters]
) -> dict[Filters, set[int]]:
    """The ids of the rows that each set of filters lets through."""
    sets = [asdict(one) for one in filters]
    columns = {f"{name}_each": [one[name] for one in sets] for name in sets[0]}
    told = {"ids": [row.id for row in rows], "xids": [str(row.stored_xid) for row in rows]}
    cursor = conn.cursor(row_factory=class_row(MatchRow))
    await cursor.execute(_LIST_MATCHES, {**columns, **told})
    found: dict[Filters, set[int]] = {one: set() for one in filters}
    for match in await cursor.fetchall():
        found[filters[match.place - 1]].add(match.id)
    return found
