"""LISTEN on a direct connection, so that the stream reads the database only when there is something new."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

import psycopg
from psycopg import AsyncConnection

from core.database.pool import CONNECT_TIMEOUT_S
from core.stream.pace import Pace
from core.stream.store import LISTEN

log = logging.getLogger(__name__)

FIRST_DELAY_S = 0.25
LAST_DELAY_S = 5.0
USE_S = 5.0
"""Timeout of a poll over this connection. After it, the poll is repeated over the pool."""

T = TypeVar("T")


class Listener:
    """Holds one connection that listens, and reconnects after an error.

    The listener counts as working once a notification has arrived. A URL of a pooler, or of another database, accepts
    LISTEN, but never delivers a notification.
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
        """Whether it has started to listen, and needs a notification from another connection as proof."""

    def kick(self) -> None:
        """Reconnect now, if it waits to reconnect."""
        self._kicked.set()

    async def use(self, work: Callable[[AsyncConnection], Awaitable[T]]) -> T | None:
        """Run work over the connection that was just notified.

        This skips the pool's check, and allows prepared statements because the connection does not go through a pooler.
        Returns None if there is no such connection or it failed. The caller then runs the work over the pool.
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
        """Listen until cancelled. While the database may be asleep, wait for `kick` instead of waking it."""
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
            # Planning the poll takes longer than running it, and its plan does not depend on its parameters.
            options="-c plan_cache_mode=force_generic_plan",
            # Keepalives detect a lost peer without querying the database.
            keepalives_idle=30,
            keepalives_interval=10,
            keepalives_count=3,
        )
        async with conn:
            await LISTEN.execute(conn)
            self.wants_proof = True
            self._pace.demand_poll()
            try:
                while True:
                    await self._await_notification(conn)
            finally:
                async with self._in_use:
                    self._notified = None

    async def _await_notification(self, conn: AsyncConnection) -> None:
        """Wait for a notification, then lend the connection until it was used for a poll."""
        async with contextlib.aclosing(conn.notifies(stop_after=1)) as notifications:
            async for _ in notifications:
                pass
        self.works, self._notified = True, conn
        self._used.clear()
        self._pace.demand_poll()
        await self._used.wait()

    async def _rest(self, seconds: float | None) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._kicked.wait()
