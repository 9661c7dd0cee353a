"""Authenticate callers and open sessions.

The caller is looked up in the database for each session, so a revoked key stops working immediately.
"""

from collections.abc import AsyncIterator, Collection
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field

from psycopg import AsyncConnection

from core.access import store
from core.access.admission import Admission
from core.access.caller import (
    ANONYMOUS,
    OPEN_INGEST,
    SETTING_ADMIN,
    Caller,
    ForbiddenError,
    Scope,
    SignedOutError,
    UnauthorizedError,
)
from core.access.hasher import Hasher, Move, find_label_range, is_admin_key
from core.access.lookup import find_callers, unknown_key_error
from core.access.process_secret import WRITE_TIMEOUT_MS, ProcessSecret
from core.access.rotation import Mover
from core.access.secret import describe_lack
from core.access.session import Session
from core.access.sign_in_token import SignInToken
from core.database.pool import NotConfiguredError, Pool, checkout, checkout_transaction, retry_read
from core.errors import ThunderError

OPEN_INGEST_WARNING = "INGEST_AUTH=open: anyone who can reach this server may post traces"
KEYLESS_WARNING = (
    "PLAYGROUND_KEYLESS=true: anyone who can reach this server may create playground keys and run prompts on its "
    "servers"
)
STORED_KEY_WARNING = (
    "THUNDER_SECRET is not set: the database stores a generated secret, so anyone with a copy of the database can test "
    "guesses of user API keys and open every share link; set THUNDER_SECRET"
)


@dataclass(slots=True)
class Access:
    """The state a process needs to authenticate callers. Keys are not cached: a revoked key fails at the next request.

    Attributes:
        open_pool: the connection pool. None if the process has no database.
        admin_key: THUNDER_ADMIN_KEY.
        secret: THUNDER_SECRET. None if the database stores a generated secret instead.
        previous_secret: THUNDER_SECRET_PREVIOUS.
        file_secret: the secret of the data directory, for chores without THUNDER_SECRET.
        ingest_open: whether INGEST_AUTH=open.
        keyless: PLAYGROUND_KEYLESS.
        is_command: whether a manage.py command runs here, with its own admin key.
        admission: the connections of each account.
        process_secret: the secret of these settings and the database.
    """

    open_pool: Pool | None
    admin_key: str | None = None
    secret: str | None = None
    previous_secret: str | None = None
    file_secret: str | None = None
    ingest_open: bool = False
    keyless: bool = False
    is_command: bool = False
    admission: Admission = field(init=False)
    process_secret: ProcessSecret = field(init=False)
    _mover: Mover = field(default_factory=Mover)

    def __post_init__(self) -> None:
        self.process_secret = ProcessSecret(
            lambda: self.pool, self.secret, self.previous_secret, self.file_secret, self.is_command
        )
        self.admission = Admission(0 if self.open_pool is None else self.open_pool.max_size, self.admin_key)

    @property
    def pool(self) -> Pool:
        """The connection pool.

        Raises:
            NotConfiguredError: the process has no database.
        """
        if self.open_pool is None:
            raise NotConfiguredError("DATABASE_URL: not set; set it to the URL of a Postgres database")
        return self.open_pool

    @property
    def warnings(self) -> list[str]:
        """Warnings for the operator about settings that weaken security."""
        warnings = {
            OPEN_INGEST_WARNING: self.ingest_open,
            KEYLESS_WARNING: self.keyless,
            STORED_KEY_WARNING: self.secret is None,
        }
        return [sentence for sentence, applies in warnings.items() if applies]

    @asynccontextmanager
    async def session(self, key: str | None, scope: Scope | None, *, public: bool = False) -> AsyncIterator[Session]:
        """Open a session for the caller with this key. Every scope except READ opens a transaction.

        Args:
            key: the key as sent, or None.
            scope: the scope the caller needs; None if every live key may do this.
            public: whether a caller without a key is allowed. The code in the session then decides what to show. A
                cookie that is no longer valid then counts as no key. Pass `key is None` to refuse such a cookie where
                callers without a key share data, as in the playground.

        Raises:
            UnauthorizedError: no key, or not a live one.
            ForbiddenError: the key lacks the scope.
        """
        if key is None and not public:
            raise UnauthorizedError("key: missing; send one as X-API-Key")
        hasher = await self.hasher()
        await self.settle_key(key, by=key)

        async def identify(conn: AsyncConnection) -> Caller:
            try:
                return await self._identify(conn, hasher, key)
            except SignedOutError:
                if public:
                    return ANONYMOUS
                raise

        async with self.admission.admit(key, lambda: self._open(scope), identify) as (conn, caller):
            live = None if caller is ANONYMOUS else key
            able = caller if live is None or scope is None else caller.using(scope)
            yield Session(conn, able, hasher, live, self.admin_key, "command" if self.is_command else caller.actor)

    def _open(self, scope: Scope | None) -> AbstractAsyncContextManager[AsyncConnection]:
        if scope is Scope.READ:
            return checkout(self.pool)
        return checkout_transaction(self.pool, timeout_ms=WRITE_TIMEOUT_MS)

    @asynccontextmanager
    async def ingest_session(
        self, key: str | None, *, timeout_ms: int
    ) -> AsyncIterator[tuple[AsyncConnection, Caller]]:
        """Open a transaction that stores a trace, for the caller with this key.

        Raises:
            UnauthorizedError: a key is required, and there is no live one.
            ForbiddenError: the key lacks the scope.
        """
        async with self.admission.admit(
            key,
            lambda: checkout_transaction(self.pool, timeout_ms=timeout_ms),
            lambda conn: self._authenticate_ingest(conn, key),
        ) as admitted:
            yield admitted

    @retry_read
    async def authenticate(self, key: str | None) -> Caller:
        """Return the caller that a live key belongs to, whatever its scopes.

        The configured admin key needs no database.

        Raises:
            UnauthorizedError: no key, or not a live one.
        """
        if key is None:
            raise UnauthorizedError("key: missing; send one as X-API-Key")
        if is_admin_key(key, self.admin_key):
            return SETTING_ADMIN
        hasher = await self.hasher()
        await self.settle_key(key, by=key)
        async with self.admission.turn(key), checkout(self.pool) as conn:
            caller = await self._identify(conn, hasher, key)
        self.admission.remember(key, caller)
        return caller

    async def settle_key(self, user_key: str | None, *, by: str | None) -> None:
        """Move the rows of a user API key to the present secret, if some still have the previous one.

        Call this before opening a session that works on this user. A label or the admin key has nothing to move.

        Args:
            user_key: the user API key.
            by: the key of the caller.
        """
        if user_key is None or isinstance(user_key, SignInToken) or is_admin_key(user_key, self.admin_key):
            return
        if find_label_range(user_key) is None:
            await self.settle((await self.hasher()).plan_move(user_key), by=by)

    async def settle(self, *moves: Move | None, by: str | None) -> None:
        """Move the rows of owners to the present secret, if some still have the previous one."""
        due = [one for one in moves if one is not None and not self._mover.is_settled(one)]
        if due:
            async with self.admission.turn(by):
                await self._mover.settle(self.pool, due)

    async def authorize_ingest(self, key: str | None) -> None:
        """Reject a caller who may not ingest, before the body is read.

        A key with which this process ingested before is not looked up here, because `ingest_session` looks it up in any
        case. Under INGEST_AUTH=open a caller may ingest without a key, but a key that is sent must be valid.

        Raises:
            UnauthorizedError: a key is required, and there is no live one.
            ForbiddenError: the key lacks the scope.
        """
        if key is None and self.ingest_open:
            return
        recent = self.admission.find_recent(key) if key is not None else None
        if recent is not None and Scope.INGEST in recent.scopes:
            return
        (await self.authenticate(key)).require(Scope.INGEST)

    async def _authenticate_ingest(self, conn: AsyncConnection, key: str | None) -> Caller:
        """Look up the caller of an ingest in the transaction that stores the trace."""
        if key is None:
            if not self.ingest_open:
                raise UnauthorizedError("key: missing; send one as X-API-Key")
            return OPEN_INGEST
        caller = await self._identify(conn, await self.hasher(), key)
        caller.require(Scope.INGEST)
        return caller

    async def authenticate_all(
        self, conn: AsyncConnection, keys: Collection[str], scope: Scope
    ) -> dict[str, Caller | ThunderError]:
        """Return the caller of each key, or the error if it is not live or lacks the scope. Runs one statement."""
        found = await find_callers(conn, await self.hasher(), keys, self.admin_key)
        return {key: _judge(key, found.get(key), scope) for key in keys}

    async def hasher(self) -> Hasher:
        """Return the hasher under the secret of this process."""
        return await self.process_secret.hasher()

    async def find_warnings(self, conn: AsyncConnection) -> list[str]:
        """Return `warnings`, and the warnings about the contents of the database."""
        guards = await store.FIND_GUARDS.fetch_only(conn)
        chosen = self.process_secret.choose(guards)
        return self.warnings + describe_lack(guards, chosen, has_admin_key=self.admin_key is not None)

    async def _identify(self, conn: AsyncConnection, hasher: Hasher, key: str | None) -> Caller:
        if key is None:
            return ANONYMOUS
        found = await find_callers(conn, hasher, [key], self.admin_key)
        if key not in found:
            self.admission.forget(key)
            raise unknown_key_error(key)
        return found[key]


def _judge(key: str, caller: Caller | None, scope: Scope) -> Caller | ThunderError:
    if caller is None:
        return unknown_key_error(key)
    try:
        return caller.using(scope)
    except ForbiddenError as error:
        return error
