"""Who may hold how much: bytes of bodies in a process, and turns at its threads. One account cannot take all of it."""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

from core.access.caller import Caller
from core.errors import ThunderError


class BusyError(ThunderError):
    """The process holds as many bytes of bodies as it may."""

    status = 503


@dataclass(frozen=True, slots=True)
class Account:
    """What bytes and turns are counted by.

    Attributes:
        name: the owner, the key or, without a key, the address.
        is_admin: may take all there is.
    """

    name: str
    is_admin: bool = False


def name_account(caller: Caller | None, address: str = "") -> Account:
    """The account of a caller; None is a caller without a key."""
    if caller is None:
        return Account(f"address:{address}")
    name = caller.poster if caller.owner is None else f"owner:{caller.owner.hex()}"
    return Account(name, caller.is_admin)


@dataclass(slots=True)
class Budget:
    """Bytes that requests hold in this process. An account gets half at most, an admin all.

    Only for use in the event loop's thread.
    """

    total: int
    used: int = 0
    _by_account: Counter[str] = field(default_factory=Counter)

    @contextmanager
    def hold(self, account: Account) -> "Generator[Held]":
        """Count what the block takes, and give it back at its end."""
        held = Held(self, account)
        try:
            yield held
        finally:
            self.give(account, held.size)

    def take(self, account: Account, size: int) -> None:
        """Take bytes for an account.

        Raises:
            BusyError: it would be more than there is, or than one account may have.
        """
        share = self.total if account.is_admin else self.total // 2
        if self._by_account[account.name] + size > share:
            raise BusyError("the bodies that you have sent are still being worked on: try again")
        if self.used + size > self.total:
            raise BusyError("the server works on as many bodies as it may: try again")
        self._add(account, size)

    def give(self, account: Account, size: int) -> None:
        """Give back what was taken."""
        self._add(account, -size)

    def _add(self, account: Account, size: int) -> None:
        self.used += size
        self._by_account[account.name] += size
        if not self._by_account[account.name]:
            del self._by_account[account.name]


@dataclass(slots=True)
class Held:
    """Bytes that one request holds."""

    budget: Budget
    account: Account
    size: int = 0

    def grow(self, size: int) -> None:
        """Hold more.

        Raises:
            BusyError: there is no more.
        """
        self.budget.take(self.account, size)
        self.size += size

    def grow_to(self, size: int) -> None:
        """Hold at least this much."""
        self.grow(max(0, size - self.size))

    def shrink_to(self, size: int) -> None:
        """Give back what is beyond this."""
        if size < self.size:
            self.budget.give(self.account, self.size - size)
            self.size = size


class Turns:
    """Lets so many work at once. Accounts take turns, however much work each of them has waiting."""

    def __init__(self, count: int) -> None:
        self._free = count
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}

    @asynccontextmanager
    async def turn(self, account: Account) -> AsyncGenerator[None]:
        """Wait for a turn, and pass it on after the block."""
        await self._take(account.name)
        try:
            yield
        finally:
            self._pass_on()

    async def _take(self, name: str) -> None:
        if self._free:
            self._free -= 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(name, deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._pass_on()
            raise

    def _pass_on(self) -> None:
        while self._waiting:
            name = next(iter(self._waiting))
            queue = self._waiting.pop(name)
            turn = queue.popleft()
            if queue:
                self._waiting[name] = queue  # behind the others
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1
