"""Authenticate callers and open sessions.

The caller is looked up in the database for each session, so a revoked key stops working at once.
"""

import asyncio
import hmac
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace

from psycopg import AsyncConnection

from core.access import store
from core.access.caller import (
    ANONYMOUS,
    OPEN_INGEST,
    SETTING_ADMIN,
    Caller,
    ForbiddenError,
    Scope,
    SignedOutError,
    UnauthorizedError,
    UnknownKeyError,
)
from core.access.hasher import Hasher, Move, find_label_range, hash_token, prove_key
from core.access.recent import RecentCallers
from core.access.rotation import Mover, begin_rotation, end_rotation
from core.access.secret import NOT_USED_YET, ChosenSecret, choose_secret, describe_lack
from core.access.session import Session
from core.access.sign_in_token import SignInToken
from core.access.store import CallerRow, Guards
from core.access.turns import Account, Turns, client_address
from core.database.connection import CHECKOUT_TIMEOUT_S
from core.database.pool import (
    DatabaseUnavailableError,
    NotConfiguredError,
    Pool,
    checkout,
    checkout_transaction,
    retry_read,
)
from core.errors import ThunderError

SECRET_BYTES = 32
WRITE_TIMEOUT_MS = 10_000
"""Statement timeout of small writes."""
OPEN_INGEST_WARNING = "INGEST_AUTH=open: anyone who can reach this server may post traces"
KEYLESS_WARNING = (
    "PLAYGROUND_KEYLESS=true: anyone who can reach this server may create playground keys and run prompts on its "
    "servers"
)
STORED_KEY_WARNING = (
    "THUNDER_SECRET is not set: the database stores a generated secret, so anyone with a copy of the database can test "
    "guesses of user API keys and open every share link; set THUNDER_SECRET"
)

Admitted = tuple[AsyncConnection, Caller]


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
        turns: the connections of each account, at most half of the pool's.
    """

    open_pool: Pool | None
    admin_key: str | None = None
    secret: str | None = None
    previous_secret: str | None = None
    file_secret: str | None = None
    ingest_open: bool = False
    keyless: bool = False
    is_command: bool = False
    turns: Turns = field(init=False)
    _recent: RecentCallers = field(default_factory=RecentCallers)
    _mover: Mover = field(default_factory=Mover)
    _hasher: Hasher | None = None
    _opening: asyncio.Task[Hasher] | None = None

    def __post_init__(self) -> None:
        self.turns = Turns(share=1 if self.open_pool is None else max(1, self.open_pool.max_size // 2))

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

        async with self._admit(key, lambda: self._open(scope), identify) as (conn, caller):
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
        async with self._admit(
            key,
            lambda: checkout_transaction(self.pool, timeout_ms=timeout_ms),
            lambda conn: self._authenticate_ingest(conn, key),
        ) as admitted:
            yield admitted

    @asynccontextmanager
    async def _admit(
        self,
        key: str | None,
        connect: Callable[[], AbstractAsyncContextManager[AsyncConnection]],
        identify: Callable[[AsyncConnection], Awaitable[Caller]],
    ) -> AsyncIterator[Admitted]:
        """Lend a connection within the share of the caller's account, and authenticate the caller.

        The account is unknown until its key was used once; until then, the key counts for the client's address. If the
        account then turns out to have used up its share, the connection is returned, and the caller waits.
        """
        while True:
            account = self.find_account(key)
            async with AsyncExitStack() as turn:
                await _await_turn(turn, self.turns, account)
                async with connect() as conn:
                    caller = await identify(conn)
                    if key is not None and caller is not ANONYMOUS:
                        self._recent.keep(key, caller)
                        if caller.account != account:
                            if not self.turns.has_room(caller.account):
                                continue
                            await turn.aclose()
                            await turn.enter_async_context(self.turns.turn(caller.account))
                    yield conn, caller
                    return

    def find_account(self, key: str | None) -> Account:
        """Return the account of a key, or of the client's address if this process has not seen the key."""
        if key is not None and self._is_admin_key(key):
            return SETTING_ADMIN.account
        caller = None if key is None else self._recent.find(key)
        return Account(f"address:{client_address.get()}") if caller is None else caller.account

    @retry_read
    async def authenticate(self, key: str | None) -> Caller:
        """Return the caller that a live key belongs to, whatever its scopes.

        The configured admin key needs no database.

        Raises:
            UnauthorizedError: no key, or not a live one.
        """
        if key is None:
            raise UnauthorizedError("key: missing; send one as X-API-Key")
        if self._is_admin_key(key):
            return SETTING_ADMIN
        hasher = await self.hasher()
        await self.settle_key(key, by=key)
        async with AsyncExitStack() as turn:
            await _await_turn(turn, self.turns, self.find_account(key))
            async with checkout(self.pool) as conn:
                caller = await self._identify(conn, hasher, key)
        self._recent.keep(key, caller)
        return caller

    async def settle_key(self, user_key: str | None, *, by: str | None) -> None:
        """Move the rows of a user API key to the present secret, if some still have the previous one.

        Call this before opening a session that works on this user. A label or the admin key has nothing to move.

        Args:
            user_key: the user API key.
            by: the key of the caller.
        """
        if user_key is None or isinstance(user_key, SignInToken) or self._is_admin_key(user_key):
            return
        if find_label_range(user_key) is None:
            await self.settle((await self.hasher()).plan_move(user_key), by=by)

    async def settle(self, *moves: Move | None, by: str | None) -> None:
        """Move the rows of owners to the present secret, if some still have the previous one."""
        due = [one for one in moves if one is not None and not self._mover.is_settled(one)]
        if due:
            async with AsyncExitStack() as turn:
                await _await_turn(turn, self.turns, self.find_account(by))
                await self._mover.settle(self.pool, due)

    async def authorize_ingest(self, key: str | None) -> None:
        """Before the body is read, reject a caller who may not ingest.

        A key with which this process ingested before is not looked up here, because `ingest_session` looks it up in any
        case. Under INGEST_AUTH=open a caller may ingest without a key, but a key that is sent must be valid.

        Raises:
            UnauthorizedError: a key is required, and there is no live one.
            ForbiddenError: the key lacks the scope.
        """
        if key is None and self.ingest_open:
            return
        recent = self._recent.find(key) if key is not None else None
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
        given = [key for key in keys if not self._is_admin_key(key)]
        found = await self._find_callers(conn, await self.hasher(), given) if given else {}
        admins = dict.fromkeys(set(keys) - set(given), SETTING_ADMIN)
        return {key: _judge(key, {**found, **admins}.get(key), scope) for key in keys}

    async def hasher(self) -> Hasher:
        """Return the hasher under THUNDER_SECRET or, if that is not set, under the secret stored in the database.

        The first call of a process compares the secret with the database's. In a command, a hasher with another secret
        raises WrongSecretError when it is used.
        """
        if self._hasher is None:
            # Shared by all callers, so that they wait for an unreachable database at the same time, not in turn.
            if self._opening is None:
                self._opening = asyncio.create_task(self._open_hasher())
                self._opening.add_done_callback(self._finish_opening)
            self._hasher = await asyncio.shield(self._opening)
        return self._hasher

    def _finish_opening(self, opening: asyncio.Task[Hasher]) -> None:
        self._opening = None
        if not opening.cancelled():
            opening.exception()  # read here in case all callers were cancelled

    async def _open_hasher(self) -> Hasher:
        chosen, guards = await self._choose_secret()
        former = Hasher(chosen.previous.encode()) if chosen.previous else None
        if self.is_command:
            if former is not None and chosen.is_new:  # a server begins the rotation; until then, nothing has moved
                return former
            problem = chosen.problem or ("" if chosen.secret else NOT_USED_YET)
            return Hasher((chosen.secret or "").encode(), problem, former)
        hasher = Hasher((chosen.secret or await self._read_generated_secret()).encode(), previous=former)
        if guards.fingerprint is None:
            await self._keep_fingerprint(chosen.fingerprint or hasher.fingerprint)
        if former is not None and chosen.is_new:
            await begin_rotation(self.pool, hasher, former)
        elif former is None and guards.previous_fingerprint is not None and not (chosen.problem or guards.is_waiting):
            await end_rotation(self.pool)
        return hasher

    async def require_secret(self) -> None:
        """Check the secret before a command stores something under it. The first one is recorded.

        Raises:
            WrongSecretError: the command does not have the secret of the database.
        """
        await self._keep_fingerprint((await self.hasher()).fingerprint)

    async def find_fingerprints(self) -> tuple[str | None, str | None]:
        """Return the fingerprints of the secrets of the rows: the present one, and the one before a rotation."""
        chosen, guards = await self._choose_secret()
        return chosen.fingerprint, guards.previous_fingerprint

    async def find_warnings(self, conn: AsyncConnection) -> list[str]:
        """Return `warnings`, and the warnings about the contents of the database."""
        guards = await store.FIND_GUARDS.fetch_only(conn)
        chosen = self._choose(guards)
        return self.warnings + describe_lack(guards, chosen, has_admin_key=self.admin_key is not None)

    @retry_read
    async def _choose_secret(self) -> tuple[ChosenSecret, Guards]:
        """Return the secret, and the records of the database about secrets."""
        async with checkout(self.pool) as conn:
            guards = await store.FIND_GUARDS.fetch_only(conn)
        return self._choose(guards), guards

    def _choose(self, guards: Guards) -> ChosenSecret:
        return choose_secret(guards, setting=self.secret, previous=self.previous_secret, in_file=self.file_secret)

    @retry_read
    async def _keep_fingerprint(self, fingerprint: str) -> None:
        # Without hold_owner: two transactions that share its lock could not both update the row.
        async with checkout(self.pool) as conn:
            await store.KEEP_FINGERPRINT.execute(conn, fingerprint=fingerprint)

    def _is_admin_key(self, key: str) -> bool:
        if self.admin_key is None or isinstance(key, SignInToken):
            return False
        return hmac.compare_digest(_encode(key), _encode(self.admin_key))

    async def _identify(self, conn: AsyncConnection, hasher: Hasher, key: str | None) -> Caller:
        if key is None:
            return ANONYMOUS
        if self._is_admin_key(key):
            return SETTING_ADMIN
        found = await self._find_callers(conn, hasher, [key])
        if key not in found:
            self._recent.forget(key)
            raise _unknown_key_error(key)
        return found[key]

    async def _find_callers(self, conn: AsyncConnection, hasher: Hasher, keys: list[str]) -> dict[str, Caller]:
        """Return the callers of the keys that are live, and record the use of those keys."""
        tokens = [key if isinstance(key, SignInToken) else None for key in keys]
        sent = [None if isinstance(key, SignInToken) else key for key in keys]
        former = hasher.previous
        rows = await store.FIND_CALLERS.fetch_all(
            conn,
            key_hashes=[None if key is None else hash_token(key) for key in sent],
            user_key_hmacs=[None if key is None else hasher.hash_user_key(key) for key in sent],
            token_hashes=[token and hasher.hash_sign_in(token) for token in tokens],
            former_token_hashes=[token and former and former.hash_sign_in(token) for token in tokens],
        )
        for row in rows:
            if row.stale and row.key_id is not None:
                await store.TOUCH_KEY.execute(conn, key_id=row.key_id)
        found = ((keys[row.ordinal - 1], row) for row in rows)
        return {
            key: _make_caller(row) if row.admin_proof is None else replace(SETTING_ADMIN, expires_at=row.expires_at)
            for key, row in found
            if row.admin_proof is None or self.is_proof(row.admin_proof, key)
        }

    def is_proof(self, proof: bytes, token: str) -> bool:
        """Return whether the configured admin key made the proof of a token."""
        return self.admin_key is not None and hmac.compare_digest(proof, prove_key(self.admin_key, token))

    async def _read_generated_secret(self) -> str:
        """Read the generated secret. It never changes once stored, so a process reads it once."""
        while True:
            async with checkout_transaction(self.pool, timeout_ms=WRITE_TIMEOUT_MS) as conn:
                kept = await store.GENERATE_SECRET.fetch_one(conn, secret=secrets.token_hex(SECRET_BYTES))
            if kept is not None:
                return kept


async def _await_turn(turn: AsyncExitStack, turns: Turns, account: Account) -> None:
    try:
        async with asyncio.timeout(CHECKOUT_TIMEOUT_S):
            await turn.enter_async_context(turns.turn(account))
    except TimeoutError:
        raise DatabaseUnavailableError(
            "connections: your other requests use your whole share; try again when they finish"
        ) from None


def _judge(key: str, caller: Caller | None, scope: Scope) -> Caller | ThunderError:
    if caller is None:
        return _unknown_key_error(key)
    try:
        return caller.using(scope)
    except ForbiddenError as error:
        return error


def _unknown_key_error(key: str) -> UnauthorizedError:
    if isinstance(key, SignInToken):
        return SignedOutError("cookie: signed out or expired, or its key is no longer valid; sign in again")
    return UnknownKeyError("key: unknown, revoked or expired; send a live key", hash_token(key))


def _make_caller(row: CallerRow) -> Caller:
    scopes = frozenset(Scope) if row.is_admin else frozenset(map(Scope, row.scopes))
    return Caller(
        name=row.name,
        scopes=scopes,
        is_admin=row.is_admin,
        owner=row.user_key_hmac,
        owner_label=row.user_key_label,
        former_owner=row.former_hmac,
        key_id=row.key_id,
        poster="user" if row.root_id is None else f"key:{row.root_id}",
        expires_at=row.expires_at,
    )


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
