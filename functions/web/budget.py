"""Share the bytes of a process among accounts, so that no account can take all of them."""

from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field

from core.access.caller import Caller
from core.access.turns import Account
from core.errors import ThunderError


class BusyError(ThunderError):
    """The process holds as many bytes of bodies as it is allowed to."""

    status = 503


def name_account(caller: Caller | None, address: str = "") -> Account:
    """Return the account of a caller; None stands for a caller without a key."""
    return Account(f"address:{address}") if caller is None else caller.account


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
