"""Share the bytes and the threads of a process among accounts, so that no account can take all of them."""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

from core.access.caller import Caller
from core.errors import ThunderError


class BusyError(ThunderError):
    """The process holds as many bytes of bodies as it is allowed to."""

    status = 503


@dataclass(frozen=True, slots=True)
class Account:
    """The unit that bytes and turns are counted by: an owner, a key or an address.

    Attributes:
        name: the owner, the key or, without a key, the address.
        is_admin: may take all there is.
    """

    name: str
    is_admin: bool = False


def name_account(caller: Caller | None, address: str = "") -> Account:
    """Return the account of a caller; None stands for a caller without a key."""
    if caller is None:
        return Account(f"address:{address}")
    name = caller.poster if caller.owner is None else f"owner:{caller.owner.hex()}"
    return Account(name, caller.is_admin)


@dataclass(slots=True)
class Budget:
    """The bytes that requests hold in this process. One account gets at most half, an admin all.

    Only for use in the event loop's thread.
    """

    total: int
    used: int = 0
    _by_account: Counter[str] = field(default_factory=Counter)

    @contextmanager
    def hold(self, account: Account) -> "Generator[Held]":
        """Count the bytes that the block takes, and return them at its end."""
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
        """Return bytes."""
        self._add(account, -size)

    def _add(self, account: Account, size: int) -> None:
        self.used += size
        self._by_account[account.name] += size
        if not self._by_account[account.name]:
            del self._by_account[account.name]


@dataclass(slots=True)
class Held:
    """The bytes that one request holds."""

    budget: Budget
    account: Account
    size: int = 0

    def grow(self, size: int) -> None:
        """Take more bytes.

        Raises:
            BusyError: there is no more.
        """
        self.budget.take(self.account, size)
        self.size += size

    def grow_to(self, size: int) -> None:
        """Take bytes until this many are held."""
        self.grow(max(0, size - self.size))

    def shrink_to(self, size: int) -> None:
        """Return the bytes beyond this many."""
        if size < self.size:
            self.budget.give(self.account, self.size - size)
            self.size = size


class Turns:
    """Limit the number of jobs that run at once. Accounts take turns, no matter how many jobs each has waiting."""

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
