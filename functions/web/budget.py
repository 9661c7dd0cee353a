"""Share the bytes of a process among accounts, so that no account can take all of them."""

from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field

from core.access.turns import Account
from core.errors import ThunderError


class BusyError(ThunderError):
    """The byte budget of the process, or the share of the account, is used up."""

    status = 503


@dataclass(slots=True)
class Budget:
    """The byte budget of this process for bodies and answers. One account gets at most half, an admin all.

    Only for use in the event loop's thread.
    """

    total: int
    used: int = 0
    _by_account: Counter[str] = field(default_factory=Counter)

    @contextmanager
    def reserve(self, account: Account) -> "Generator[Reservation]":
        """Return an empty reservation. Its bytes are released after the block."""
        reservation = Reservation(self, account)
        try:
            yield reservation
        finally:
            self.give(account, reservation.size)

    def take(self, account: Account, size: int) -> None:
        """Reserve bytes for an account.

        Raises:
            BusyError: the budget or the share of the account would be exceeded.
        """
        if self._by_account[account.name] + size > self.find_share(account):
            raise BusyError("memory: your other requests use your whole share; try again when they finish")
        if self.used + size > self.total:
            raise BusyError("memory: other bodies and answers use all of it; try again later")
        self._add(account, size)

    def find_share(self, account: Account) -> int:
        """Return the bytes that one account may reserve."""
        return self.total if account.is_admin else self.total // 2

    def give(self, account: Account, size: int) -> None:
        """Release bytes."""
        self._add(account, -size)

    def _add(self, account: Account, size: int) -> None:
        self.used += size
        self._by_account[account.name] += size
        if not self._by_account[account.name]:
            del self._by_account[account.name]


@dataclass(slots=True)
class Reservation:
    """The bytes that one request has reserved."""

    budget: Budget
    account: Account
    size: int = 0

    def grow(self, size: int) -> None:
        """Reserve more bytes.

        Raises:
            BusyError: the budget or the share of the account would be exceeded.
        """
        self.budget.take(self.account, size)
        self.size += size

    def grow_to(self, size: int) -> None:
        """Reserve more bytes, up to this total."""
        self.grow(max(0, size - self.size))

    def grow_within_share(self, size: int) -> None:
        """Reserve more bytes, but no more than the account's share, so that one larger answer is possible.

        Raises:
            BusyError: the budget or the share of the account would be exceeded.
        """
        self.grow(min(size, self.budget.find_share(self.account)))

    def shrink_to(self, size: int) -> None:
        """Release all bytes beyond this number."""
        if size < self.size:
            self.budget.give(self.account, self.size - size)
            self.size = size
