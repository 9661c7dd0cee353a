"""One client of the stream: what it wants, and what waits for it, which is bounded however slow it reads."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from core.access.caller import ANONYMOUS, Caller
from core.database.pool import DatabaseUnavailableError
from core.errors import ThunderError
from core.feed.filters import Filters
from core.stream.message import Message, render_lag
from core.stream.position import Position, Snapshot
from core.stream.store import NewsRow

MAX_QUEUED = 256
MAX_QUEUED_BYTES = 4 * 1024 * 1024
RETRY_S = 1.0
NO_FILTERS = Filters()


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which traces a client wants to be told of, among those it may see.

    Attributes:
        filters: as the feed's.
        owner: the HMAC of one user's key.
        label: the label of one user's key.
    """

    filters: Filters = NO_FILTERS
    owner: bytes | None = None
    label: str | None = None

    def fits(self, row: NewsRow) -> bool:
        """Whether a trace is of the user that is asked for; the filters are Postgres's to look at."""
        return self.owner in (None, row.user_key_hmac) and self.label in (None, row.user_api_key)


class Subscription:
    """One client. It is told what the hub delivers as soon as it has caught up with it."""

    def __init__(self, key: str, wanted: Wanted, catch_up: Callable[["Subscription"], Awaitable[None]]) -> None:
        self.key = key
        self.wanted = wanted
        self.caller: Caller = ANONYMOUS
        self.place: Position | None = None
        """What it has been told, once its queue is empty."""
        self.is_joined = False
        self.ended: ThunderError | None = None
        self._catch_up = catch_up
        self._seen: Snapshot | None = None
        self._queue: deque[Message] = deque()
        self._queued_bytes = 0
        self._missed = 0
        self._changed = asyncio.Event()

    def start(self, place: Position) -> None:
        """Begin behind a position that the client had; the hub's deliveries wait until it has caught up."""
        self.place = place

    def join(self, seen: Snapshot) -> None:
        """From now on take what the hub delivers, but for what this snapshot saw."""
        self.place, self._seen, self.is_joined = Position(seen), seen, True

    def end(self, why: ThunderError) -> None:
        """Nothing more is told, not even what waits; `next` raises this."""
        self.ended = self.ended or why
        self._changed.set()

    def tell(self, messages: Iterable[tuple[int, Message]]) -> None:
        """Queue messages, each given with the transaction that stored its trace, unless the client has them."""
        for xid, message in messages:
            if self._seen is None or not self._seen.sees(xid):
                self._offer(message)

    def advance(self, place: Position) -> None:
        """All up to this place has been told, or was not for this client."""
        if self._seen != place.latest:
            self.place = place

    @property
    def is_behind(self) -> bool:
        """Whether more would soon be too much, and it is worth to wait a moment: it has missed nothing so far."""
        return not self._missed and (len(self._queue) > MAX_QUEUED // 2 or self._queued_bytes > MAX_QUEUED_BYTES // 2)

    async def next(self, patience_s: float) -> Message | None:
        """The next message; null if there is none for so long, or the client is not joined yet.

        Raises:
            ThunderError: the stream has ended, and why.
        """
        if not (self._queue or self._missed or self.ended):
            await self._await_news(patience_s)
        if self.ended is not None:
            raise self.ended
        if self._queue:
            message = self._queue.popleft()
            self._queued_bytes -= len(message.text)
            return message
        if self._missed:
            missed, self._missed = self._missed, 0
            return render_lag(missed)
        return None

    def _offer(self, message: Message) -> None:
        """Queue a message; once one did not fit, none does until the client has read what waits and been told so."""
        size = len(message.text)
        full = len(self._queue) >= MAX_QUEUED or (self._queue and self._queued_bytes + size > MAX_QUEUED_BYTES)
        if full or self._missed:
            self._missed += 1
        else:
            self._queue.append(message)
            self._queued_bytes += size
        self._changed.set()

    async def _await_news(self, patience_s: float) -> None:
        self._changed.clear()
        if not self.is_joined:
            with contextlib.suppress(DatabaseUnavailableError):
                await self._catch_up(self)
                return
            patience_s = min(patience_s, RETRY_S)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                await self._changed.wait()
