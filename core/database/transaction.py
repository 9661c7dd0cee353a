"""A transaction in a pipeline, without a round trip of its own for its beginning.

psycopg's `conn.transaction()` waits for the server on either side; here `begin` travels with the first statements, so
that however many are sent before the first result is read, all of it takes two trips: those, and the commit.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from psycopg import AsyncConnection

from core.database.sql import load_query

_BEGIN = load_query("database/begin")
_COMMIT = load_query("database/commit")


@asynccontextmanager
async def transaction(conn: AsyncConnection) -> AsyncIterator[None]:
    """All of the block or nothing. Leaving it without an exception returns after the commit.

    The connection must be in autocommit mode and in no transaction.
    """
    async with conn.pipeline():
        await conn.execute(_BEGIN)
        try:
            yield
        except BaseException:
            await conn.rollback()
            raise
        await conn.execute(_COMMIT)
