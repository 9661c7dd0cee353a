"""Limit the memory for messages that wait for the clients of one account."""

from weakref import WeakValueDictionary

from core.access.turns import Account
from core.stream.message import Message

MAX_BYTES = 32 * 1024 * 1024
MAX_ADMIN_BYTES = 96 * 1024 * 1024


class Backlog:
    """The messages that wait in the queues of one account. A message in several queues counts once."""

    def __init__(self, limit: int = MAX_ADMIN_BYTES) -> None:
        self._limit = limit
        self._size = 0
        self._queues: dict[int, int] = {}
        """The number of queues that a message waits in, by the identity of the message."""

    def add(self, message: Message) -> bool:
        """Count a message that is queued. Returns False if there is no room for it."""
        name = id(message)
        if name not in self._queues and self._size + message.size > self._limit and self._queues:
            return False
        if name not in self._queues:
            self._size += message.size
        self._queues[name] = self._queues.get(name, 0) + 1
        return True

    def remove(self, message: Message) -> None:
        """Stop counting a message in one queue."""
        name = id(message)
        self._queues[name] -= 1
        if not self._queues[name]:
            del self._queues[name]
            self._size -= message.size


class Backlogs:
    """The backlogs of all accounts with open streams."""

    def __init__(self) -> None:
        self._backlogs: WeakValueDictionary[Account, Backlog] = WeakValueDictionary()

    def find(self, account: Account) -> Backlog:
        """Return the backlog of an account, which exists as long as the account has clients."""
        found = self._backlogs.get(account)
        if found is None:
            found = self._backlogs[account] = Backlog(MAX_ADMIN_BYTES if account.is_admin else MAX_BYTES)
        return found
