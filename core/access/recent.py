"""Remember the callers of recently used keys, as hints that save work before the key is looked up."""

from collections import OrderedDict

from core.access.caller import Caller
from core.access.hasher import hash_token


class RecentCallers:
    """The callers of recently used keys. They never decide what a caller may do: every key is looked up."""

    MAX_KEYS = 10_000

    def __init__(self) -> None:
        self._callers: OrderedDict[bytes, Caller] = OrderedDict()

    def find(self, key: str) -> Caller | None:
        """Return the caller of a key at its last use; None if that is not remembered."""
        return self._callers.get(hash_token(key))

    def keep(self, key: str, caller: Caller) -> None:
        """Remember the caller of a key."""
        name = hash_token(key)
        self._callers[name] = caller
        self._callers.move_to_end(name)
        if len(self._callers) > self.MAX_KEYS:
            self._callers.popitem(last=False)

    def forget(self, key: str) -> None:
        """Forget a key that was refused."""
        self._callers.pop(hash_token(key), None)
