"""Share connections, threads and processes among accounts, so that no account can take all of them."""

import asyncio
import math
from collections import Counter, deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass

client_address: ContextVar[str] = ContextVar("client_address", default="local")
"""The address of the client whose request is served. Requests without a known key count for it."""


@dataclass(frozen=True, slots=True)
class Account:
    """An owner, a key or an address: the unit among which resources are shared.

    Attributes:
        name: the owner, the key or, without a key, the address.
        is_admin: whether the account may use everything.
    """

    name: str
    is_admin: bool = False


class Turns:
    """Limit the jobs that run at the same time. Accounts take turns, no matter how many jobs each has waiting.

    Only for use in the event loop's thread.

    Args:
        count: jobs that run at the same time.
        share: jobs of one account that run at the same time. An admin has no such limit.
    """

    def __init__(self, count: float = math.inf, *, share: float = math.inf) -> None:
        self._free = count
        self._share = share
        self._running: Counter[str] = Counter()
        self._waiting: dict[Account, deque[asyncio.Future[None]]] = {}

    def has_room(self, account: Account) -> bool:
        """Return whether a job of the account would start immediately."""
        return self._free > 0 and (account.is_admin or self._running[account.name] < self._share)

    @asynccontextmanager
    async def turn(self, account: Account) -> AsyncGenerator[None]:
        """Wait for a turn, and end it after the block."""
        await self.take(account)
        try:
            yield
        finally:
            self.give(account)

    async def take(self, account: Account, *, within_s: float | None = None) -> None:
        """Wait for a turn. The caller ends it with `give`.

        Raises:
            TimeoutError: there was none in time.
        """
        if self.has_room(account):
            self._start(account)
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(account, deque()).append(turn)
        async with asyncio.timeout(within_s):
            try:
                await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled():
                    self.give(account)
                raise

    def _start(self, account: Account) -> None:
        self._free -= 1
        self._running[account.name] += 1

    def give(self, account: Account) -> None:
        """End a turn."""
        self._free += 1
        self._running[account.name] -= 1
        if not self._running[account.name]:
            del self._running[account.name]
        while (following := next(filter(self.has_room, self._waiting), None)) is not None:
            queue = self._waiting.pop(following)
            turn = queue.popleft()
            if queue:
                self._waiting[following] = queue  # after all others
            if not turn.done():
                self._start(following)
                turn.set_result(None)
