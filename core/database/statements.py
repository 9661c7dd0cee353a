"""Statements about the database itself: owner, timeouts, notifications."""

from datetime import datetime

from psycopg import AsyncConnection

from core.database.sql import load_query

SET_TIMEOUT = load_query("database/set_timeout")
_PING = load_query("database/ping")
REQUIRE_OWNER = load_query("database/require_owner")
_FIND_NEWEST = load_query("database/find_newest")
_HOLD_OWNER = load_query("database/hold_owner")
_NOTIFY_STREAMS = load_query("database/notify_streams")

FOREIGN = "TH001"
"""The SQLSTATE of a database that belongs to another app or has no owner yet; the message says which."""


async def set_timeout(conn: AsyncConnection, *, milliseconds: int) -> None:
    """Limit each following statement of this transaction. A session setting would not survive a pooler."""
    await conn.execute(SET_TIMEOUT, {"milliseconds": milliseconds})


async def require_owner(conn: AsyncConnection, *, app_name: str) -> None:
    """Fail with SQLSTATE TH001 unless the database belongs to this app."""
    await conn.execute(REQUIRE_OWNER, {"app_name": app_name})


async def hold_owner(conn: AsyncConnection, *, app_name: str) -> None:
    """Fail as `require_owner` does, and keep the owner from changing until the transaction ends."""
    await conn.execute(_HOLD_OWNER, {"app_name": app_name})


async def find_newest(conn: AsyncConnection) -> datetime | None:
    """Return the time at which the newest trace was stored, or None if there are no traces."""
    row = await (await conn.execute(_FIND_NEWEST)).fetchone()
    return row[0] if row else None


async def notify_streams(conn: AsyncConnection) -> None:
    """Notify the streams of every process at commit that a trace was stored or a key changed."""
    await conn.execute(_NOTIFY_STREAMS)


async def ping(conn: AsyncConnection) -> int:
    """Return the schema version, in one small round trip."""
    row = await (await conn.execute(_PING)).fetchone()
    return int(row[0]) if row else 0
