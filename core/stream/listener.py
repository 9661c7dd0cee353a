"""LISTEN on a direct connection: the stream looks when there is something to see, and lets Postgres rest else."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

import psycopg
from psycopg import AsyncConnection

from core.database.pool import CONNECT_TIMEOUT_S
from core.stream.pace import Pace
from core.stream.store import listen

log = logging.getLogger(__name__)

FIRST_DELAY_S = 0.25
LAST_DELAY_S = 5.0
USE_S = 5.0
"""How long a look may take over this connection before it is made over the pool."""

T = TypeVar("T")


class Listener:
    """Holds one connection that listens, and connects again when it is cut.

    It counts as working once a notification has come through: a URL that leads to a pooler, or to another database,
    takes LISTEN as well and then says nothing.
    """

    def __init__(self, dsn: str, *, app_name: str, pace: Pace) -> None:
        self._dsn = dsn
        self._app_name = app_name
        self._pace = pace
        self._kicked = asyncio.Event()
        self._used = asyncio.Event()
        self._in_use = asyncio.Lock()
        self._notified: AsyncConnection | None = None
        self.works = False
        self.wants_proof = False
        """Set when it has begun to listen: somebody should notify it, over another connection."""

    def kick(self) -> None:
        """Connect now, if it waits to."""
        self._kicked.set()

    async def use(self, work: Callable[[AsyncConnection], Awaitable[T]]) -> T | None:
        """Do a piece of work over the connection that was just notified.

        That saves the pool's check, and statements can be prepared: this connection is no pooler's. Returns None if
        there is no such connection, or if it failed; the caller then does the work over the pool.
        """
        async with self._in_use:
            conn, self._notified = self._notified, None
            if conn is None:
                return None
            try:
                async with asyncio.timeout(USE_S):
                    return await work(conn)
            except (psycopg.Error, TimeoutError):
                await conn.close()
                return None
            finally:
                self._used.set()

    async def run(self) -> None:
        """Listen until cancelled. A database that may be asleep is not woken by this: whoever wakes it kicks."""
        delay = FIRST_DELAY_S
        while True:
            try:
                await self._listen()
            except psycopg.Error as error:
                delay = FIRST_DELAY_S if self.works else min(delay * 2, LAST_DELAY_S)
                log.info("not listening to the database: %s", type(error).__name__)
            finally:
                self.works = self.wants_proof = False
            self._pace.reconsider()
            self._kicked.clear()
            await self._rest(None if self._pace.is_asleep else delay)

    async def _listen(self) -> None:
        conn = await AsyncConnection.connect(
            self._dsn,
            autocommit=True,
            connect_timeout=CONNECT_TIMEOUT_S,
            application_name=f"{self._app_name} stream",
            prepare_threshold=0,
            # A peer that vanished is noticed without asking the database anything.
            keepalives_idle=30,
            keepalives_interval=10,
            keepalives_count=3,
        )
        async with conn:
            await listen(conn)
            self.wants_proof = True
            self._pace.demand_look()
            try:
                while True:
                    await self._await_notification(conn)
            finally:
                async with self._in_use:
                    self._notified = None

    async def _await_notification(self, conn: AsyncConnection) -> None:
        """Wait for a notification and until somebody has looked, for which the connection is free."""
        async with contextlib.aclosing(conn.notifies(stop_after=1)) as notifications:
            async for _ in notifications:
                pass
        self.works, self._notified = True, conn
        self._used.clear()
        self._pace.demand_look()
        await self._used.wait()

    async def _rest(self, seconds: float | None) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._kicked.wait()
