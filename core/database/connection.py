"""Pooled connections that recover: a cut connection or an outage costs a request only the wait for a new connection."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool
from typing_extensions import override

from core.database.arrays import register_arrays
from core.database.reading import ReadPipeline
from core.database.statements import PLAN_EACH_TIME

CONNECT_TIMEOUT_S = 10
CHECKOUT_TIMEOUT_S = 10
"""How long a request waits for a free connection."""
CHECK_TIMEOUT_S = 2
"""How long a connection may take to answer before it is abandoned. psycopg takes five more seconds to close it."""
RECONNECT_S = 1
"""How long the pool retries a connection on its own. Short, because its pauses grow with each retry."""


class PooledConnection(AsyncConnection):
    """A connection of the pool, with the facts that decide whether it is still usable."""

    made_at: float = -float("inf")
    is_direct: bool = False
    """Whether it reaches the server without a pooler, which would not keep prepared statements and settings."""
    is_proven: bool = False
    """Whether it has answered since it was checked out."""

    @asynccontextmanager
    async def reading(self, on_answer: Callable[[], None]) -> AsyncIterator[ReadPipeline]:
        """Keep the connection in a read pipeline until the block ends."""

        def note_answer() -> None:
            self.is_proven = True
            on_answer()

        self.is_proven = False
        self._pipeline = ReadPipeline(self, note_answer)
        try:
            async with self._pipeline as pipeline:
                yield pipeline
        finally:
            self._pipeline = None


class Pool(AsyncConnectionPool[PooledConnection]):
    """A pool that keeps reconnecting while a request waits for a connection.

    Attributes:
        app_name: the app that the database must belong to.
    """

    app_name: str = ""
    asked_at: float = -float("inf")
    drained_at: float = -float("inf")

    @override
    async def getconn(self, timeout: float | None = None) -> PooledConnection:
        """Take a connection, and record the time of the request for it."""
        self.asked_at = time.monotonic()
        return await super().getconn(timeout)

    @override
    async def reconnect_failed(self) -> None:
        """Reconnect if a request is waiting; psycopg's pool would give up until the next request."""
        if time.monotonic() - self.asked_at < CHECKOUT_TIMEOUT_S:
            await self.check()

    async def give_up(self, dead: PooledConnection) -> None:
        """Drop all open connections, unless this was done since the dead one was made: one cause probably cut all."""
        if dead.made_at > self.drained_at:
            self.drained_at = time.monotonic()
            await self.drain()


async def configure(conn: PooledConnection) -> None:
    """Prepare a new connection."""
    conn.made_at = time.monotonic()
    register_arrays(conn)
    async with asyncio.timeout(CHECK_TIMEOUT_S):
        # A pooler invents the process id that it reports to a new client.
        conn.is_direct = await PLAN_EACH_TIME.fetch_one(conn, backend=conn.info.backend_pid) is not None
