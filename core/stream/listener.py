"""LISTEN on a direct connection, so that the stream reads the database only when there is something new."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

import psycopg
from psycopg import AsyncConnection, AsyncRawCursor, Notify

from core.database.pool import CONNECT_TIMEOUT_S
from core.stream.pace import Pace
from core.stream.store import LISTEN, READ_NEWS, NewsRow
from core.stream.wakeup import Wakeup

log = logging.getLogger(__name__)

FIRST_DELAY_S = 0.25
LAST_DELAY_S = 5.0
USE_S = 5.0
"""Timeout of a poll over this connection. After it, the poll is repeated over the pool."""

T = TypeVar("T")


class Listener:
    """A connection that listens, and reconnects after an error.

    The listener counts as working once a notification has arrived. A URL of a pooler, or of another database, accepts
    LISTEN, but never delivers a notification.
    """

    def __init__(self, dsn: str, *, app_name: str, pace: Pace) -> None:
        self._dsn = dsn
        self._app_name = app_name
        self._pace = pace
        self._kicked = Wakeup()
        self._ended = Wakeup()
        self._cursor: AsyncRawCursor[NewsRow] | None = None
        self._socket = -1
        self._is_notified = False
        self.works = False
        self.wants_proof = False
        """Whether it has started to listen, and needs a notification from another connection as proof."""

    def kick(self) -> None:
        """Reconnect now, if it waits to reconnect."""
        self._kicked.wake()

    async def use(self, work: Callable[[AsyncRawCursor[NewsRow]], Awaitable[T]]) -> T | None:
        """Run work with a cursor of READ_NEWS over the connection, if it was notified since the last use.

        This skips the pool's check, and allows prepared statements because the connection does not go through a pooler.
        The cursor is kept, because a new one would look up the types of parameters and columns again.
        Returns None if there is no such connection or it failed. The caller then runs the work over the pool.
        """
        cursor = self._cursor
        if cursor is None or not self._is_notified:
            return None
        self._is_notified = False
        try:
            async with asyncio.timeout(USE_S):
                return await work(cursor)
        except (psycopg.Error, TimeoutError):
            self._end(cursor.connection)
            return None
        finally:
            self._watch()  # psycopg stops watching the socket after each statement

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
                self.works = self.wants_proof = self._is_notified = False
            self._pace.reconsider()
            await self._kicked.wait(None if self._pace.is_asleep else delay)

    async def _listen(self) -> None:
        """Listen until the connection ends, which raises an error."""
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
        try:
            conn.add_notify_handler(self._note)
            await LISTEN.execute(conn)
            self._cursor, self._socket, self.wants_proof = READ_NEWS.open_cursor(conn), conn.fileno(), True
            self._watch()
            self._pace.demand_poll()
            await self._ended.wait(None)
            raise psycopg.OperationalError("the connection was lost")
        finally:
            self._end(conn)
            await conn.close()

    def _watch(self) -> None:
        """Receive notifications while no statement runs."""
        if self._cursor is not None:
            asyncio.get_running_loop().add_reader(self._socket, self._receive, self._cursor.connection)

    def _end(self, conn: AsyncConnection) -> None:
        """Stop using a connection."""
        if self._cursor is not None and self._cursor.connection is conn:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._cursor = None
            self._ended.wake()

    def _receive(self, conn: AsyncConnection) -> None:
        try:
            conn.pgconn.consume_input()
        except psycopg.OperationalError:
            self._end(conn)
            return
        if conn.pgconn.notifies() is not None:
            while conn.pgconn.notifies() is not None:
                pass
            self._note()

    def _note(self, _: Notify | None = None) -> None:
        """Note that something is new. psycopg calls this for notifications that arrive with a result."""
        self.works = self._is_notified = True
        self._pace.demand_poll()
