"""The hub: reads new traces once per process and delivers them to all streams (docs/decisions/0009)."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import Context
from datetime import UTC, datetime
from functools import partial

from psycopg import AsyncConnection

from core.access.access import Access
from core.access.caller import UnauthorizedError
from core.access.hasher import find_label_range
from core.access.turns import Turns
from core.database.pool import DatabaseUnavailableError, ForeignDatabaseError, checkout, retry_read
from core.database.statements import NOTIFY_STREAMS
from core.errors import InvalidInputError, ThunderError
from core.stream.backlog import Backlogs
from core.stream.listener import FIRST_DELAY_S, LAST_DELAY_S, Listener
from core.stream.pace import POLL_S, Pace
from core.stream.page import Page, RestoredError, read_page
from core.stream.position import Position, Snapshot
from core.stream.room import require_room
from core.stream.subscription import Subscription, Wanted
from core.traces.filters import NO_FILTERS, Filters

log = logging.getLogger(__name__)

MAX_CATCHING_UP = 2
"""Maximum clients that read missed traces at the same time, because other requests use the same pool. An owner gets
half of them."""
PAUSE_S = 0.02
"""Minimum pause between two polls of the database."""
GRACE_S = 0.1
"""Maximum wait for a client whose queue is filling up. The other clients wait, too."""
GRACE_STEP_S = 0.005


class ShutdownError(ThunderError):
    """The process is shutting down."""

    status = 503


class Hub:
    """All streams of a process. The hub runs while any stream is open, and adds one connection to the pool's."""

    def __init__(self, access: Access, *, app_name: str, direct_dsn: str | None, may_sleep: bool) -> None:
        self._access = access
        self._subscriptions: set[Subscription] = set()
        self._backlogs = Backlogs()
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_closed = False
        self._position: Position | None = None
        self._latest: Snapshot | None = None
        self._horizon = 0
        self._first_expiry: datetime | None = None
        self._waiting: set[asyncio.Future[None]] = set()
        self._turns = Turns(MAX_CATCHING_UP, share=MAX_CATCHING_UP // 2)
        self._pace = Pace(may_sleep=may_sleep)
        self._listener = None if direct_dsn is None else Listener(direct_dsn, app_name=app_name, pace=self._pace)

    @asynccontextmanager
    async def subscribe(
        self,
        key: str | None,
        *,
        filters: Filters = NO_FILTERS,
        user_key: str | None = None,
        position: str | None = None,
    ) -> AsyncIterator[Subscription]:
        """Open a stream of the traces stored from now on, or after a position.

        Args:
            key: the client's API key; None if the client sent none.
            filters: the filters of the feed.
            user_key: a user API key or its label; selects the traces of that user.
            position: a position from the stream.

        Raises:
            UnauthorizedError: the client sent no key, or the key is not live.
            ForbiddenError: the key lacks the scope `read`.
            InvalidInputError: the position is not valid, or does not belong to this database.
            CrowdedError: the process has too many streams.
            TooManyStreamsError: the key or its owner has too many streams.
        """
        if key is None:
            raise UnauthorizedError("key: missing; send one as X-API-Key, or as api_key in the query")
        start = None if position is None else Position.parse(position)
        await self._access.settle_key(key, by=key)
        await self._access.settle_key(user_key, by=key)
        subscription = Subscription(key, await self._want(filters, user_key), self._catch_up)
        self._subscriptions.add(subscription)
        try:
            self._start()
            await self._await_poll()
            self._begin(subscription, start)
            yield subscription
        finally:
            self._subscriptions.discard(subscription)
            subscription.close()
            if not self._subscriptions:
                self._stop()

    @property
    def clients(self) -> int:
        """The number of open streams."""
        return len(self._subscriptions)

    def nudge(self) -> None:
        """Note that this process stored something, and poll now if no notification will arrive."""
        self._note_activity()
        if self._listener is None or not self._listener.works:
            self._pace.demand_poll()

    def end_streams(self) -> None:
        """End every stream and refuse new ones, because the process is about to stop."""
        self._is_closed = True
        error = ShutdownError("server: shutting down; connect again")
        for subscription in list(self._subscriptions):
            subscription.end(error)
        _settle(self._waiting, error)

    async def close(self) -> None:
        """End every stream and wait for the hub's tasks to end."""
        self.end_streams()
        self._stop()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _want(self, filters: Filters, user_key: str | None) -> Wanted:
        if user_key is None:
            return Wanted(filters)
        if find_label_range(user_key):
            return Wanted(filters, label=user_key)
        return Wanted(filters, owner=(await self._access.hasher()).hash_user_key(user_key))

    def _start(self) -> None:
        if self._is_closed:
            raise ShutdownError("server: shutting down; connect again")
        self._note_activity()
        if any(not task.cancelling() for task in self._tasks):
            return
        self._position = self._latest = None
        for work in [self._run()] if self._listener is None else [self._run(), self._listener.run()]:
            # A new context, because the task outlives the request that starts it.
            task = asyncio.get_running_loop().create_task(work, context=Context())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _stop(self) -> None:
        for task in self._tasks:
            task.cancel()

    async def _await_poll(self) -> None:
        """Wait for a poll that begins after this call.

        Raises:
            ThunderError: the database could not be read.
        """
        polled: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.add(polled)
        polled.add_done_callback(self._waiting.discard)
        self._pace.demand_poll()
        await polled

    def _begin(self, subscription: Subscription, start: Position | None) -> None:
        """Start a client whose key was just checked: at the present, or at its position."""
        if subscription.ended is not None:
            raise subscription.ended
        require_room(subscription, self._subscriptions)
        subscription.share(self._backlogs.find(subscription.caller.account))
        if self._latest is None:
            raise DatabaseUnavailableError("stream: could not be started; try again")
        if start is None:
            subscription.join(self._latest)
        elif start.latest.xmax > self._horizon:
            raise InvalidInputError(
                "Last-Event-ID: from another database, or from before this one was restored; leave it out"
            )
        else:
            subscription.start(start)

    @retry_read
    async def _catch_up(self, subscription: Subscription) -> None:
        """Send one client the next page of missed traces, or let it join the others if it missed none."""
        account = subscription.caller.account
        async with self._turns.turn(account), self._access.turns.turn(account):
            position, latest = subscription.position, self._latest
            if position is None or latest is None:
                return
            if position == Position(latest):
                subscription.join(latest)
                return
            until, audience = position.until or latest, [subscription]
            async with checkout(self._access.pool) as conn:
                page = await read_page(conn, self._access, after=position, until=until, audience=audience)
        page.authorize(subscription)
        page.deliver(subscription)

    async def _run(self) -> None:
        """Poll for new traces whenever there may be some, until cancelled."""
        delay = FIRST_DELAY_S
        while True:
            if not await self._pace.wait(self._find_patience()):
                continue
            if self._listener is not None and self._pace.is_asleep:
                self._listener.kick()  # this poll wakes the database anyway, so listen again
            waiting = list(self._waiting)
            try:
                await self._poll()
            except Exception as error:  # noqa: BLE001 - the streams must survive any error
                _settle(waiting, self._judge(error))
                await self._pace.rest(delay)
                self._pace.demand_poll()
                delay = min(delay * 2, LAST_DELAY_S)
            else:
                _settle(waiting, None)
                delay = FIRST_DELAY_S
                await asyncio.sleep(PAUSE_S)

    def _judge(self, error: Exception) -> ThunderError:
        """Convert the error of a failed poll. Only a database of another app ends the streams."""
        if not isinstance(error, ThunderError):
            log.error("stream: could not be read; try again", exc_info=error)
            return DatabaseUnavailableError("stream: could not be read; try again")
        log.info("the streams wait: %s", error)
        if isinstance(error, ForeignDatabaseError):
            for subscription in list(self._subscriptions):
                subscription.end(error)
        return error

    async def _poll(self) -> None:
        """Deliver all new traces, page by page. Clients start between two polls, never during one."""
        is_last = False
        while not is_last:
            audience = list(self._subscriptions)
            try:
                page = await self._read(audience)
            except RestoredError as error:
                self._begin_again(error)
                continue
            self._deliver(page, audience)
            await self._await_readers()
            is_last = page.is_last

    def _begin_again(self, error: RestoredError) -> None:
        """End the open streams, and continue at the present. Clients that are connecting start there."""
        log.warning("%s", error)
        self._position = None
        for subscription in list(self._subscriptions):
            if subscription.position is not None:
                subscription.end(error)

    @retry_read
    async def _read(self, audience: list[Subscription]) -> Page:
        """Read the next page over the connection that was just notified, or else over the pool."""
        if self._listener is not None and (page := await self._listener.use(partial(self._read_over, audience))):
            return page
        async with checkout(self._access.pool) as conn:
            if self._listener is not None and self._listener.wants_proof:
                await NOTIFY_STREAMS.execute(conn)
            page = await self._read_over(audience, conn)
        if self._listener is not None:
            self._listener.wants_proof = False
        return page

    async def _read_over(self, audience: list[Subscription], conn: AsyncConnection) -> Page:
        until = None if self._position is None else self._position.until
        page = await read_page(conn, self._access, after=self._position, until=until, audience=audience)
        self._latest, self._horizon = until or page.present, page.horizon
        return page

    def _deliver(self, page: Page, audience: list[Subscription]) -> None:
        self._position, self._first_expiry = page.end, page.first_expiry
        if page.rows:
            self._note_activity()
        for subscription in audience:
            page.authorize(subscription)
            if subscription.is_joined:
                page.deliver(subscription)

    async def _await_readers(self) -> None:
        """Give clients time to read their queues, so that a burst does not overflow them."""
        deadline = time.monotonic() + GRACE_S
        while any(one.is_behind for one in self._subscriptions) and time.monotonic() < deadline:  # noqa: ASYNC110 - brief
            await asyncio.sleep(GRACE_STEP_S)

    def _find_patience(self) -> float | None:
        """Return how long to wait for a notification, in seconds; None for no limit."""
        limits: list[float] = []
        if self._listener is None or not self._listener.works:
            limits.append(self._pace.interval)
        if self._first_expiry is not None:
            limits.append(max(POLL_S, (self._first_expiry - datetime.now(UTC)).total_seconds()))
        return min(limits, default=None)

    def _note_activity(self) -> None:
        self._pace.note_activity()
        if self._listener is not None:
            self._listener.kick()


def _settle(waiting: "list[asyncio.Future[None]] | set[asyncio.Future[None]]", error: ThunderError | None) -> None:
    """Complete the futures that wait for a poll, with its error if it failed."""
    for polled in list(waiting):
        if polled.done():
            continue
        if error is None:
            polled.set_result(None)
        else:
            polled.set_exception(error)
