"""A transaction in a pipeline, without a separate round trip for `begin`.

psycopg's `conn.transaction()` waits for the server at both ends. Here `begin` is sent with the first statements. If the
block reads no result, `commit` is sent with them as well, and the transaction takes one round trip. After an error the
server skips the rest of the pipeline, including the commit.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from psycopg import AsyncConnection, Error

from core.database.query import query

BEGIN = query("database/begin")
COMMIT = query("database/commit")


@asynccontextmanager
async def transaction(conn: AsyncConnection) -> AsyncIterator[None]:
    """Run the block as a transaction: leaving it normally commits, and an exception rolls back.

    The connection must be in autocommit mode and not in a transaction. Results that were not read in the block can be
    read after it.
    """
    try:
        async with conn.pipeline():
            await BEGIN.execute(conn)
            try:
                yield
            except BaseException:
                await conn.rollback()
                raise
            await COMMIT.execute(conn)
    except Error:
        if not conn.closed:
            await conn.rollback()  # errors of statements that were not known before the commit was sent
        raise
