"""Connections that were cut, and a database that was away, must cost no request more than the wait for a new one."""

import asyncio
import time

import psycopg
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool
from typing_extensions import override

from core.database.arrays import register_arrays
from core.database.statements import require_owner

CHECKOUT_TIMEOUT_S = 10
"""How long a request waits for a free connection."""
CHECK_TIMEOUT_S = 2
"""How long a connection may take to show that it lives. It is then given up, which takes psycopg five seconds more."""
RECONNECT_S = 1
"""How long the pool itself goes on trying to connect; the longer, the longer its pauses grow."""


class CheckedConnection(AsyncConnection):
    """A pooled connection, with what its database had against us when it was checked out."""

    refusal: psycopg.Error | None = None
    made_at: float = -float("inf")


class Pool(AsyncConnectionPool[CheckedConnection]):
    """A pool that looks for its database for as long as somebody waits for a connection.

    Its name is the app's: what the stamp of the database must say.
    """

    asked_at: float = -float("inf")
    drained_at: float = -float("inf")

    @override
    async def getconn(self, timeout: float | None = None) -> CheckedConnection:
        """Take a connection, and note that somebody wants one."""
        self.asked_at = time.monotonic()
        return await super().getconn(timeout)

    @override
    async def reconnect_failed(self) -> None:
        """Connect anew if somebody waits: psycopg's pool gives up until the next one asks."""
        if time.monotonic() - self.asked_at < CHECKOUT_TIMEOUT_S:
            await self.check()

    async def check_out(self, conn: CheckedConnection) -> None:
        """Whether a connection lives and the database is ours, in the one round trip that the first takes anyway.

        (In a pipeline with the caller's first statement it would take one more: psycopg waits when it leaves a
        pipeline.) A dead connection raises, and the pool takes a new one; a refusal waits for `checkout`, for it would
        be the same.
        """
        conn.refusal = None
        try:
            async with asyncio.timeout(CHECK_TIMEOUT_S):
                await require_owner(conn, app_name=self.name)
        except (psycopg.OperationalError, TimeoutError):
            await self._give_up_those_before(conn)
            raise
        except psycopg.Error as error:
            conn.refusal = error

    async def _give_up_those_before(self, dead: CheckedConnection) -> None:
        """What cut one cut all: the pool would try one after the other, with a pause before each that doubles."""
        if dead.made_at > self.drained_at:
            self.drained_at = time.monotonic()
            await self.drain()


async def configure(conn: CheckedConnection) -> None:
    """Prepare a new connection."""
    conn.made_at = time.monotonic()
    register_arrays(conn)
