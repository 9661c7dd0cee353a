"""Statements that belong to the database itself rather than to a noun."""

from psycopg import AsyncConnection

from core.database.sql import load_query

_SET_TIMEOUT = load_query("database/set_timeout")
_PING = load_query("database/ping")


async def set_timeout(conn: AsyncConnection, *, milliseconds: int) -> None:
    """Limit each following statement of this transaction; a session setting would not survive a pooler."""
    await conn.execute(_SET_TIMEOUT, {"milliseconds": milliseconds})


async def ping(conn: AsyncConnection) -> int:
    """Ask for the schema's version: one small round trip."""
    row = await (await conn.execute(_PING)).fetchone()
    return int(row[0]) if row else 0
