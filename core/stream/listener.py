"""LISTEN on a direct connection: the stream looks when there is something to see, and lets Postgres rest else."""

import asyncio
import contextlib
import logging

import psycopg
from psycopg import AsyncConnection

from core.database.pool import CONNECT_TIMEOUT_S
from core.stream.pace import Pace
from core.stream.store import listen

log = logging.getLogger(__name__)

FIRST_DELAY_S = 0.25
LAST_DELAY_S = 5.0


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
        self.works = False
        self.wants_proof = False
        """Set when it has begun to listen: somebody should notify it, over another connection."""

    def kick(self) -> None:
        """Connect now, if it waits to."""
        self._kicked.set()

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
            application_name=self._app_name,
            # A peer that vanished is noticed without asking the database anything.
            keepalives_idle=30,
            keepalives_interval=10,
            keepalives_count=3,
        )
        async with conn:
            await listen(conn)
            self.wants_proof = True
            self._pace.demand_look()
            async with contextlib.aclosing(conn.notifies()) as notifications:
                async for _ in notifications:
                    self.works = True
                    self._pace.demand_look()

    async def _rest(self, seconds: float | None) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._kicked.wait()
