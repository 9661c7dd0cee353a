"""The hub: reads what was stored once per process, and tells everybody who listens (docs/decisions/0009)."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import Context
from datetime import UTC, datetime
from functools import partial

from psycopg import AsyncConnection

from core.access.caller import UnauthorizedError
from core.access.hasher import find_label_range
from core.access.session import Access
from core.database.pool import DatabaseUnavailableError, ForeignDatabaseError, checkout, reread
from core.database.statements import notify_streams
from core.errors import InvalidInputError, ThunderError
from core.feed.filters import Filters
from core.stream.listener import FIRST_DELAY_S, LAST_DELAY_S, Listener
from core.stream.pace import POLL_S, Pace
from core.stream.page import Page, read_page
from core.stream.position import Position, Snapshot
from core.stream.subscription import NO_FILTERS, Subscription, Wanted

log = logging.getLogger(__name__)

MAX_STREAMS = 1000
MAX_CATCHING_UP = 2
"""Clients that read from the database for themselves at once; the pool is the others', too."""
PAUSE_S = 0.02
"""Between two looks however much is stored."""
GRACE_S = 0.1
"""How long the others wait for a client whose queue is filling up."""
GRACE_STEP_S = 0.005


class ShutdownError(ThunderError):
    """The process ends."""

    status = 503


class CrowdedError(ThunderError):
    """The process has as many streams as it may have."""

    status = 503


class Hub:
    """All streams of a process. It works while there are any, over one more connection than the pool's."""

    def __init__(self, access: Access, *, app_name: str, direct_dsn: str | None, may_sleep: bool) -> None:
        self._access = access
        self._subscriptions: set[Subscription] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_closed = False
        self._place: Position | None = None
        self._latest: Snapshot | None = None
        self._horizon = 0
        self._first_expiry: datetime | None = None
        self._waiting: set[asyncio.Future[None]] = set()
        self._turn = asyncio.Semaphore(MAX_CATCHING_UP)
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
        """Open a stream: of what is stored from now on, or behind a position.

        Args:
            key: as it came; null if none did.
            filters: as the feed's.
            user_key: narrows it to one user's, given as itself or as its label.
            position: as the stream gave it.

        Raises:
            UnauthorizedError: no key, or none that is live.
            ForbiddenError: the key's scopes don't cover reading.
            InvalidInputError: the position is none of this database.
            CrowdedError: there are too many streams.
        """
        if key is None:
            raise UnauthorizedError("no key; send one as X-API-Key, or as api_key in the query")
        if len(self._subscriptions) >= MAX_STREAMS:
            raise CrowdedError(f"this process has {MAX_STREAMS} streams already: try again")
        place = None if position is None else Position.parse(position)
        subscription = Subscription(key, await self._want(filters, user_key), self._catch_up)
        self._subscriptions.add(subscription)
        try:
            self._start()
            await self._await_look()
            self._begin(subscription, place)
            yield subscription
        finally:
            self._subscriptions.discard(subscription)
            if not self._subscriptions:
                self._stop()

    @property
    def clients(self) -> int:
        """How many streams are open."""
        return len(self._subscriptions)

    def nudge(self) -> None:
        """Something was stored by this process: look now if nothing will notify."""
        self._note_activity()
        if self._listener is None or not self._listener.works:
            self._pace.demand_look()

    def end_streams(self) -> None:
        """End every stream, and open no other: the process is about to stop."""
        self._is_closed = True
        error = ShutdownError("the server stops: connect again")
        for subscription in list(self._subscriptions):
            subscription.end(error)
        _settle(self._waiting, error)

    async def close(self) -> None:
        """End every stream and wait until nothing of it works any more."""
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
            raise ShutdownError("the server stops: connect again")
        self._note_activity()
        if any(not task.cancelling() for task in self._tasks):
            return
        self._place = self._latest = None
        for work in [self._run()] if self._listener is None else [self._run(), self._listener.run()]:
            # Not in the context of the request that happens to be the first.
            task = asyncio.get_running_loop().create_task(work, context=Context())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _stop(self) -> None:
        for task in self._tasks:
            task.cancel()

    async def _await_look(self) -> None:
        """Wait for a look that begins after this.

        Raises:
            ThunderError: the database could not be asked.
        """
        looked: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.add(looked)
        looked.add_done_callback(self._waiting.discard)
        self._pace.demand_look()
        await looked

    def _begin(self, subscription: Subscription, place: Position | None) -> None:
        """Put a client whose key was just looked at where it belongs."""
        if subscription.ended is not None:
            raise subscription.ended
        if self._latest is None:
            raise DatabaseUnavailableError("the stream could not be begun: try again")
        if place is None:
            subscription.join(self._latest)
        elif place.latest.xmax > self._horizon:
            raise InvalidInputError("Last-Event-ID: it is of another database, or of this one before it was put back")
        else:
            subscription.start(place)

    @reread
    async def _catch_up(self, subscription: Subscription) -> None:
        """Tell one client the next page of what it missed; if there is none, let it join the others."""
        async with self._turn:
            place, latest = subscription.place, self._latest
            if place is None or latest is None:
                return
            if place == Position(latest):
                subscription.join(latest)
                return
            until, audience = place.until or latest, [subscription]
            async with checkout(self._access.pool) as conn:
                page = await read_page(conn, self._access, after=place, until=until, audience=audience)
        page.admit(subscription)
        page.tell(subscription)

    async def _run(self) -> None:
        """Look whenever there may be something to see, until cancelled."""
        delay = FIRST_DELAY_S
        while True:
            if not await self._pace.wait(self._find_patience()):
                continue
            if self._listener is not None and self._pace.is_asleep:
                self._listener.kick()  # what is about to be woken may as well be listened to
            waiting = list(self._waiting)
            try:
                await self._look()
            except Exception as error:  # noqa: BLE001 - whatever it is, the streams go on
                _settle(waiting, self._judge(error))
                await self._pace.rest(delay)
                self._pace.demand_look()
                delay = min(delay * 2, LAST_DELAY_S)
            else:
                _settle(waiting, None)
                delay = FIRST_DELAY_S
                await asyncio.sleep(PAUSE_S)

    def _judge(self, error: Exception) -> ThunderError:
        """What to tell of a look that failed. Only another app's database ends the streams."""
        if not isinstance(error, ThunderError):
            log.error("the stream could not be read", exc_info=error)
            return DatabaseUnavailableError("the stream could not be read")
        log.info("the streams wait: %s", error)
        if isinstance(error, ForeignDatabaseError):
            for subscription in list(self._subscriptions):
                subscription.end(error)
        return error

    async def _look(self) -> None:
        """Deliver everything new, page by page. Clients begin between two looks, never during one."""
        is_last = False
        while not is_last:
            audience = list(self._subscriptions)
            page = await self._read(audience)
            self._deliver(page, audience)
            await self._await_readers()
            is_last = page.is_last

    @reread
    async def _read(self, audience: list[Subscription]) -> Page:
        """Read the next page, over the connection that was just notified if there is one, else over the pool."""
        if self._listener is not None and (page := await self._listener.use(partial(self._read_over, audience))):
            return page
        async with checkout(self._access.pool) as conn:
            if self._listener is not None and self._listener.wants_proof:
                await notify_streams(conn)
            page = await self._read_over(audience, conn)
        if self._listener is not None:
            self._listener.wants_proof = False
        return page

    async def _read_over(self, audience: list[Subscription], conn: AsyncConnection) -> Page:
        until = None if self._place is None else self._place.until
        page = await read_page(conn, self._access, after=self._place, until=until, audience=audience)
        self._latest, self._horizon = until or page.present, page.horizon
        return page

    def _deliver(self, page: Page, audience: list[Subscription]) -> None:
        self._place, self._first_expiry = page.end, page.first_expiry
        if page.rows:
            self._note_activity()
        for subscription in audience:
            page.admit(subscription)
            if subscription.is_joined:
                page.tell(subscription)

    async def _await_readers(self) -> None:
        """Let those who read take what was queued, so that a burst is too much for none of them."""
        deadline = time.monotonic() + GRACE_S
        while any(one.is_behind for one in self._subscriptions) and time.monotonic() < deadline:  # noqa: ASYNC110 - brief
            await asyncio.sleep(GRACE_STEP_S)

    def _find_patience(self) -> float | None:
        """How long to wait for a notification; null: for as long as it takes."""
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
    """Tell those who wait for a look that it is done, or why it could not be."""
    for looked in list(waiting):
        if looked.done():
            continue
        if error is None:
            looked.set_result(None)
        else:
            looked.set_exception(error)
