"""Connections that were cut, and a database that was away, must cost no request more than the wait for a new one."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool
from typing_extensions import override

from core.database.arrays import register_arrays
from core.database.reading import ReadPipeline

CHECKOUT_TIMEOUT_S = 10
"""How long a request waits for a free connection."""
CHECK_TIMEOUT_S = 2
"""How long a connection may take to show that it lives. It is then given up, which takes psycopg five seconds more."""
RECONNECT_S = 1
"""How long the pool itself goes on trying to connect; the longer, the longer its pauses grow."""


class PooledConnection(AsyncConnection):
    """A connection of the pool, with what decides whether it is still good."""

    made_at: float = -float("inf")
    is_proven: bool = False
    """Whether it has answered since it was checked out."""

    @asynccontextmanager
    async def reading(self, on_answer: Callable[[], None]) -> AsyncIterator[ReadPipeline]:
        """Be in a pipeline for reads until the block ends."""

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
    """A pool that looks for its database for as long as somebody waits for a connection.

    Its name is the app's: what the stamp of the database must say.
    """

    asked_at: float = -float("inf")
    drained_at: float = -float("inf")

    @override
    async def getconn(self, timeout: float | None = None) -> PooledConnection:
        """Take a connection, and note that somebody wants one."""
        self.asked_at = time.monotonic()
        return await super().getconn(timeout)

    @override
    async def reconnect_failed(self) -> None:
        """Connect anew if somebody waits: psycopg's pool gives up until the next one asks."""
        if time.monotonic() - self.asked_at < CHECKOUT_TIMEOUT_S:
            await self.check()

    async def give_up(self, dead: PooledConnection) -> None:
        """Let go of all connections that are as old as a dead one: what cut one cut all."""
        if dead.made_at > self.drained_at:
            self.drained_at = time.monotonic()
            await self.drain()


async def configure(conn: PooledConnection) -> None:
    """Prepare a new connection."""
    conn.made_at = time.monotonic()
    register_arrays(conn)
