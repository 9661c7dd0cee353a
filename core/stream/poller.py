"""Poll the database for new traces, once per process, and deliver them to all streams (docs/decisions/0009)."""

import asyncio
import logging
import time
from datetime import UTC, datetime
from functools import partial

from psycopg import AsyncRawCursor

from core.access.access import Access
from core.database.pool import DatabaseUnavailableError, ForeignDatabaseError, checkout, retry_read
from core.database.statements import NOTIFY_STREAMS
from core.errors import ThunderError
from core.stream.listener import FIRST_DELAY_S, LAST_DELAY_S, Listener
from core.stream.pace import POLL_S, Pace
from core.stream.page import Page, RestoredError, read_page
from core.stream.position import Position, Snapshot
from core.stream.store import READ_NEWS, NewsRow
from core.stream.subscription import Subscription

log = logging.getLogger(__name__)

PAUSE_S = 0.02
"""Minimum pause between two polls of the database."""
TOGETHER = 16
"""Clients that receive a page in one pass of the event loop, so that the first do not wait for all the others."""
GRACE_S = 0.1
"""Maximum wait for a client whose queue is filling up. The other clients wait, too."""
GRACE_STEP_S = 0.005


class Poller:
    """Read new traces from the end of the previous poll, and deliver them to the open streams.

    Attributes:
        latest: the snapshot that contains all delivered traces; None before the first poll.
        horizon: the first transaction id that Postgres had not assigned at the last poll.
    """

    def __init__(
        self, access: Access, subscriptions: set[Subscription], *, pace: Pace, listener: Listener | None
    ) -> None:
        self._access = access
        self._subscriptions = subscriptions
        self._pace = pace
        self._listener = listener
        self._position: Position | None = None
        self._first_expiry: datetime | None = None
        self._waiting: set[asyncio.Future[None]] = set()
        self.latest: Snapshot | None = None
        self.horizon = 0

    async def poll_once(self) -> None:
        """Wait for a poll that begins after this call.

        Raises:
            ThunderError: the database could not be read.
        """
        polled: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.add(polled)
        polled.add_done_callback(self._waiting.discard)
        self._pace.demand_poll()
        await polled

    def end(self, error: ThunderError) -> None:
        """End the streams, and the waits for a poll."""
        for subscription in list(self._subscriptions):
            subscription.end(error)
        _settle(self._waiting, error)

    def note_activity(self) -> None:
        """Note that the database is not asleep."""
        self._pace.note_activity()
        if self._listener is not None:
            self._listener.kick()

    async def run(self) -> None:
        """Poll for traces stored from now on whenever there may be some, until cancelled."""
        self._position = self.latest = None
        delay = FIRST_DELAY_S
        while True:
            if not await self._pace.wait(self._find_patience()):
                continue
            if self._listener is not None and self._pace.is_asleep:
                self._listener.kick()  # this poll wakes the database anyway, so listen again
            waiting = set(self._waiting)
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
            await self._deliver(page, audience)
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
            page = await self._read_over(audience, READ_NEWS.open_cursor(conn))
        if self._listener is not None:
            self._listener.wants_proof = False
        return page

    async def _read_over(self, audience: list[Subscription], cursor: AsyncRawCursor[NewsRow]) -> Page:
        until = None if self._position is None else self._position.until
        page = await read_page(cursor, self._access, after=self._position, until=until, audience=audience)
        self.latest, self.horizon = until or page.present, page.horizon
        return page

    async def _deliver(self, page: Page, audience: list[Subscription]) -> None:
        self._position, self._first_expiry = page.end, page.first_expiry
        if page.rows:
            self.note_activity()
        for number, subscription in enumerate(audience, 1):
            page.authorize(subscription)
            if subscription.is_joined:
                page.deliver(subscription)
            if number % TOGETHER == 0 and page.rows:
                await asyncio.sleep(0)

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


def _settle(waiting: set[asyncio.Future[None]], error: ThunderError | None) -> None:
    """Complete the futures that wait for a poll, with its error if it failed."""
    for polled in list(waiting):
        if polled.done():
            continue
        if error is None:
            polled.set_result(None)
        else:
            polled.set_exception(error)
