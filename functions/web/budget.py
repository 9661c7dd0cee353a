"""Share the bytes of a process among accounts, so that no account can take all of them."""

from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field

from core.access.turns import Account
from core.errors import ThunderError


class BusyError(ThunderError):
    """The process holds as many bytes of bodies as it may."""

    status = 503


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
        if self._by_account[account.name] + size > self.find_share(account):
            raise BusyError("your other requests hold as many bytes as one caller may: try again")
        if self.used + size > self.total:
            raise BusyError("the server holds as many bytes of requests and answers as it may: try again")
        self._add(account, size)

    def find_share(self, account: Account) -> int:
        """Return the bytes that one account may hold."""
        return self.total if account.is_admin else self.total // 2

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

    def grow_within_share(self, size: int) -> None:
        """Take more bytes. A single answer that is larger than the account's share takes all of the share.

        Raises:
            BusyError: there is no more.
        """
        self.grow(min(size, self.budget.find_share(self.account)))

    def shrink_to(self, size: int) -> None:
        """Return the bytes beyond this many."""
        if size < self.size:
            self.budget.give(self.account, self.size - size)
            self.size = size
