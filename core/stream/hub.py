"""The hub: opens and closes the streams of a process, and lets them catch up (docs/decisions/0009)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import Context

from core.access.access import Access
from core.access.caller import UnauthorizedError
from core.access.hasher import find_label_range
from core.access.turns import Turns
from core.database.pool import DatabaseUnavailableError, checkout, retry_read
from core.errors import InvalidInputError, ThunderError
from core.stream.backlog import Backlogs
from core.stream.listener import Listener
from core.stream.pace import Pace
from core.stream.page import read_page
from core.stream.poller import Poller
from core.stream.position import Position
from core.stream.room import require_room
from core.stream.store import READ_NEWS
from core.stream.subscription import Subscription, Wanted
from core.traces.filters import NO_FILTERS, Filters

MAX_CATCHING_UP = 2
"""Maximum clients that read missed traces at the same time, because other requests use the same pool. An owner gets
half of them."""


class ShutdownError(ThunderError):
    """The process is shutting down."""

    status = 503


class Hub:
    """All streams of a process. It polls while any stream is open, and adds one connection to the pool's."""

    def __init__(self, access: Access, *, app_name: str, direct_dsn: str | None, may_sleep: bool) -> None:
        self._access = access
        self._subscriptions: set[Subscription] = set()
        self._backlogs = Backlogs()
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_closed = False
        self._turns = Turns(MAX_CATCHING_UP, share=MAX_CATCHING_UP // 2)
        self._pace = Pace(may_sleep=may_sleep)
        self._listener = None if direct_dsn is None else Listener(direct_dsn, app_name=app_name, pace=self._pace)
        self._poller = Poller(access, self._subscriptions, pace=self._pace, listener=self._listener)

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
            await self._poller.poll_once()
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
        self._poller.note_activity()
        if self._listener is None or not self._listener.works:
            self._pace.demand_poll()

    def end_streams(self) -> None:
        """End every stream and refuse new ones, because the process is about to stop."""
        self._is_closed = True
        self._poller.end(ShutdownError("server: shutting down; connect again"))

    async def close(self) -> None:
        """End every stream and wait for the hub's tasks to end."""
        self.end_streams()
        self._stop()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _want(self, filters: Filters, user_key: str | None) -> Wanted:
        """Return a selection of traces: the same object for all streams that select the same."""
        if user_key is None:
            wanted = Wanted(filters)
        elif find_label_range(user_key):
            wanted = Wanted(filters, label=user_key)
        else:
            wanted = Wanted(filters, owner=(await self._access.hasher()).hash_user_key(user_key))
        return next((one.wanted for one in self._subscriptions if one.wanted == wanted), wanted)

    def _start(self) -> None:
        if self._is_closed:
            raise ShutdownError("server: shutting down; connect again")
        self._poller.note_activity()
        if any(not task.cancelling() for task in self._tasks):
            return
        for work in [self._poller.run()] if self._listener is None else [self._poller.run(), self._listener.run()]:
            # A new context, because the task outlives the request that starts it.
            task = asyncio.get_running_loop().create_task(work, context=Context())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _stop(self) -> None:
        for task in self._tasks:
            task.cancel()

    def _begin(self, subscription: Subscription, start: Position | None) -> None:
        """Start a client whose key was just checked: at the present, or at its position."""
        if subscription.ended is not None:
            raise subscription.ended
        require_room(subscription, self._subscriptions)
        subscription.share(self._backlogs.find(subscription.caller.account))
        if self._poller.latest is None:
            raise DatabaseUnavailableError("stream: could not be started; try again")
        if start is None:
            subscription.join(self._poller.latest)
        elif start.xmax > self._poller.horizon:
            raise InvalidInputError(
                "Last-Event-ID: from another database, or from before this one was restored; leave it out"
            )
        else:
            subscription.start(start)

    @retry_read
    async def _catch_up(self, subscription: Subscription) -> None:
        """Send one client the next page of missed traces, or let it join the others if it missed none."""
        account = subscription.caller.account
        async with self._turns.turn(account), self._access.admission.turns.turn(account):
            position, latest = subscription.position, self._poller.latest
            if position is None or latest is None:
                return
            if position == Position(latest):
                subscription.join(latest)
                return
            until, audience = position.until or latest, [subscription]
            async with checkout(self._access.pool) as conn:
                cursor = READ_NEWS.open_cursor(conn)
                page = await read_page(cursor, self._access, after=position, until=until, audience=audience)
        page.authorize(subscription)
        page.deliver(subscription)
