"""One client of the stream: its selection of traces, and its bounded queue of messages."""

import contextlib
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from core.access.caller import ANONYMOUS, Caller
from core.database.pool import DatabaseUnavailableError
from core.errors import ThunderError
from core.stream.backlog import Backlog
from core.stream.message import Message, render_lag
from core.stream.position import Position, Snapshot
from core.stream.store import NewsRow
from core.stream.wakeup import Wakeup
from core.traces.filters import NO_FILTERS, Filters

MAX_QUEUED = 256
MAX_QUEUED_BYTES = 4 * 1024 * 1024
RETRY_S = 1.0


@dataclass(frozen=True, slots=True)
class Wanted:
    """A client's selection among the traces it may see.

    Attributes:
        filters: the filters of the feed.
        owner: the HMAC of one user's key.
        label: the label of one user's key.
    """

    filters: Filters = NO_FILTERS
    owner: bytes | None = None
    label: str | None = None

    def fits(self, row: NewsRow) -> bool:
        """Return whether a trace belongs to the selected user. Postgres applies the filters."""
        return self.owner in (None, row.user_key_hmac) and self.label in (None, row.user_api_key)


class Subscription:
    """One client. It receives the hub's deliveries once it has caught up with them."""

    def __init__(self, key: str, wanted: Wanted, catch_up: Callable[["Subscription"], Awaitable[None]]) -> None:
        self.key = key
        self.wanted = wanted
        self.caller: Caller = ANONYMOUS
        self.position: Position | None = None
        """The client's position once its queue is empty; None until the stream is open."""
        self.is_joined = False
        self.ended: ThunderError | None = None
        self._catch_up = catch_up
        self._seen: Snapshot | None = None
        self._backlog = Backlog()
        self._queue: deque[Message] = deque()
        self._queued_bytes = 0
        self._missed = 0
        self._wakeup = Wakeup()

    def share(self, backlog: Backlog) -> None:
        """Count the queue in the backlog of the client's account. Call this before the first message."""
        self._backlog = backlog

    def close(self) -> None:
        """Drop queued messages and accept no more, because the client has left."""
        self.is_joined = False
        while self._queue:
            self._take()

    def start(self, position: Position) -> None:
        """Start after a position of the client. It receives the hub's deliveries once it has caught up."""
        self.position = position

    def join(self, seen: Snapshot) -> None:
        """Accept the hub's deliveries from now on, except for traces in this snapshot."""
        self.position, self._seen, self.is_joined = Position(seen), seen, True

    def end(self, why: ThunderError) -> None:
        """End the stream and drop queued messages; `next` then raises this error."""
        self.ended = self.ended or why
        self._wakeup.wake()

    def deliver(self, messages: Iterable[tuple[int, Message]]) -> None:
        """Queue messages, except those that the client already has. Each comes with its trace's transaction id."""
        for xid, message in messages:
            if self._seen is None or not self._seen.sees(xid):
                self._offer(message)

    def advance(self, position: Position) -> None:
        """Move to a position. Everything before it was queued, or is not for this client."""
        if self._seen != position.latest:
            self.position = position

    @property
    def is_behind(self) -> bool:
        """Whether the queue is more than half full, and no message was dropped yet."""
        return not self._missed and (len(self._queue) > MAX_QUEUED // 2 or self._queued_bytes > MAX_QUEUED_BYTES // 2)

    async def next(self, patience_s: float) -> Message | None:
        """Return the next message; None if none arrives in time, or while the client is still catching up.

        Raises:
            ThunderError: the stream has ended, for this reason.
        """
        if not (self._queue or self._missed or self.ended):
            await self._await_news(patience_s)
        if self.ended is not None:
            raise self.ended
        if self._queue:
            return self._take()
        if self._missed:
            missed, self._missed = self._missed, 0
            return render_lag(missed)
        return None

    def _offer(self, message: Message) -> None:
        """Queue a message. Once one does not fit, drop messages until the client has read its queue and the lag."""
        size = message.size
        full = len(self._queue) >= MAX_QUEUED or (self._queue and self._queued_bytes + size > MAX_QUEUED_BYTES)
        if full or self._missed or not self._backlog.add(message):
            self._missed += 1
        else:
            self._queue.append(message)
            self._queued_bytes += size
        self._wakeup.wake()

    def _take(self) -> Message:
        message = self._queue.popleft()
        self._queued_bytes -= message.size
        self._backlog.remove(message)
        return message

    async def _await_news(self, patience_s: float) -> None:
        if not self.is_joined:
            with contextlib.suppress(DatabaseUnavailableError):
                await self._catch_up(self)
                return
            patience_s = min(patience_s, RETRY_S)
        if self.ended is None:
            await self._wakeup.wait(patience_s)
