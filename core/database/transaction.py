"""A transaction in a pipeline, without a separate round trip for `begin`.

psycopg's `conn.transaction()` waits for the server at both ends. Here `begin` is sent with the first statements. If no
result is read before the last statement is sent, the transaction takes two round trips: statements and commit.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from psycopg import AsyncConnection

from core.database.query import query

BEGIN = query("database/begin")
COMMIT = query("database/commit")


@asynccontextmanager
async def transaction(conn: AsyncConnection) -> AsyncIterator[None]:
    """Run the block as a transaction: leaving it normally commits, and an exception rolls back.

    The connection must be in autocommit mode and not in a transaction.
    """
    async with conn.pipeline():
        await BEGIN.execute(conn)
        try:
            yield
        except BaseException:
            await conn.rollback()
            raise
        await COMMIT.execute(conn)
