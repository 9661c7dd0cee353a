"""Lend connections to accounts, each of which gets at most half of the pool."""

from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from psycopg import AsyncConnection

from core.access.caller import ANONYMOUS, SETTING_ADMIN, Caller
from core.access.hasher import hash_token, is_admin_key
from core.access.turns import Account, Turns, client_address
from core.database.connection import CHECKOUT_TIMEOUT_S
from core.database.pool import DatabaseUnavailableError

MAX_KEYS = 10_000
"""Recently used keys whose callers are remembered."""


class ShareUsedError(DatabaseUnavailableError):
    """The other requests of the account use its whole share of the pool. The database is available."""

    error_code = None


class Admission:
    """The connections of each account, and the callers of recently used keys.

    Remembered callers never decide what a caller may do: every key is looked up.

    Args:
        pool_size: the connections of the pool; 0 without a database.
        admin_key: THUNDER_ADMIN_KEY.
    """

    def __init__(self, pool_size: int, admin_key: str | None) -> None:
        self.turns = Turns(share=max(1, pool_size // 2))
        self._admin_key = admin_key
        self._recent: OrderedDict[bytes, Caller] = OrderedDict()

    def find_recent(self, key: str) -> Caller | None:
        """Return the caller of a key at its last use; None if that is not remembered."""
        return self._recent.get(hash_token(key))

    def remember(self, key: str, caller: Caller) -> None:
        """Remember the caller of a key."""
        name = hash_token(key)
        self._recent[name] = caller
        self._recent.move_to_end(name)
        if len(self._recent) > MAX_KEYS:
            self._recent.popitem(last=False)

    def forget(self, key: str) -> None:
        """Forget a key that was refused."""
        self._recent.pop(hash_token(key), None)

    def find_account(self, key: str | None) -> Account:
        """Return the account of a key, or of the client's address if this process has not seen the key."""
        if key is not None and is_admin_key(key, self._admin_key):
            return SETTING_ADMIN.account
        caller = None if key is None else self.find_recent(key)
        return Account(f"address:{client_address.get()}") if caller is None else caller.account

    @asynccontextmanager
    async def turn(self, key: str | None) -> AsyncIterator[None]:
        """Wait for a connection of the account's share, and give it back after the block."""
        account = self.find_account(key)
        await self._take(account)
        try:
            yield
        finally:
            self.turns.give(account)

    @asynccontextmanager
    async def admit(
        self,
        key: str | None,
        connect: Callable[[], AbstractAsyncContextManager[AsyncConnection]],
        identify: Callable[[AsyncConnection], Awaitable[Caller]],
    ) -> AsyncIterator[tuple[AsyncConnection, Caller]]:
        """Lend a connection within the share of the caller's account, and authenticate the caller.

        The account is unknown until its key was used once; until then, the key counts for the client's address. If the
        account then turns out to have used up its share, the connection is returned, and the caller waits.
        """
        while True:
            account = self.find_account(key)
            await self._take(account)
            try:
                async with connect() as conn:
                    caller = await identify(conn)
                    if key is not None and caller is not ANONYMOUS:
                        self.remember(key, caller)
                        if (own := caller.account) != account:
                            if not self.turns.has_room(own):
                                continue
                            await self.turns.take(own)
                            self.turns.give(account)
                            account = own
                    yield conn, caller
                    return
            finally:
                self.turns.give(account)

    async def _take(self, account: Account) -> None:
        try:
            await self.turns.take(account, within_s=CHECKOUT_TIMEOUT_S)
        except TimeoutError:
            raise ShareUsedError(
                "connections: your other requests use your whole share; try again when they finish"
            ) from None
