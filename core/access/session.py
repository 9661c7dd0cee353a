"""A visit: a connection together with whom it is used for, known from the database at that moment."""

import asyncio
import hmac
import secrets
from collections.abc import AsyncIterator, Collection
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from psycopg import AsyncConnection

from core.access import store
from core.access.caller import (
    ANONYMOUS,
    CONFIGURED_ADMIN,
    OPEN_INGEST,
    Caller,
    ForbiddenError,
    Scope,
    UnauthorizedError,
    UnknownKeyError,
)
from core.access.hasher import Hasher, find_label_range, hash_token
from core.access.store import CallerRow
from core.audit.store import Action, insert_entry
from core.database.pool import NotConfiguredError, Pool, checkout, checkout_transaction, reread
from core.errors import ThunderError

SECRET_BYTES = 32
SHORTEST_SURE_KEY = 16
"""Characters from which on a text that is a key is no word by chance."""
WRITE_TIMEOUT_MS = 10_000
"""What a statement of a small write may take."""
OPEN_INGEST_WARNING = "INGEST_AUTH=open: anybody who reaches this server may post traces"
STORED_KEY_WARNING = (
    "THUNDER_SECRET is not set: the database keeps a generated one, so whoever gets a copy of the database can test "
    "guesses of users' keys against it and open every share link"
)


@dataclass(slots=True)
class Access:
    """What a process needs to know who calls. Nothing of a key is cached: a revoked one is dead at the next request.

    Attributes:
        open_pool: the database; null if the process has none.
        admin_key: THUNDER_ADMIN_KEY.
        secret: THUNDER_SECRET; null where the database must keep one.
        ingest_open: INGEST_AUTH=open.
        is_command: a command of manage.py works here, with an admin key of its own.
    """

    open_pool: Pool | None
    admin_key: str | None = None
    secret: str | None = None
    ingest_open: bool = False
    is_command: bool = False
    _hasher: Hasher | None = None
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def pool(self) -> Pool:
        """The database.

        Raises:
            NotConfiguredError: the process has none.
        """
        if self.open_pool is None:
            raise NotConfiguredError("DATABASE_URL is not set")
        return self.open_pool

    @property
    def warnings(self) -> list[str]:
        """What lowers the guard, in sentences for whoever runs this."""
        told = {OPEN_INGEST_WARNING: self.ingest_open, STORED_KEY_WARNING: self.secret is None}
        return [sentence for sentence, applies in told.items() if applies]

    @asynccontextmanager
    async def visit(self, key: str | None, scope: Scope, *, public: bool = False) -> AsyncIterator["Visit"]:
        """Open a connection for whoever has this key; for any scope but reading, in a transaction.

        Args:
            key: as it came; null if none did.
            scope: what the caller is about to do.
            public: whether somebody without a key may enter too; what they then see is for the work to decide.

        Raises:
            UnauthorizedError: no key, or none that is live.
            ForbiddenError: the key's scopes don't cover it.
        """
        if key is None and not public:
            raise UnauthorizedError("a key is needed: send it as X-API-Key")
        hasher = await self.hasher()
        async with self._open(scope) as conn:
            caller = await self._identify(conn, hasher, key)
            if key is not None:
                caller.require(scope)
            yield Visit(conn, caller, hasher, key, self.admin_key, "command" if self.is_command else caller.actor)

    def _open(self, scope: Scope) -> AbstractAsyncContextManager[AsyncConnection]:
        if scope is Scope.READ:
            return checkout(self.pool)
        return checkout_transaction(self.pool, timeout_ms=WRITE_TIMEOUT_MS)

    @reread
    async def admit(self, key: str | None) -> Caller:
        """Whoever has this live key, whatever it may do. The configured admin key needs no database.

        Raises:
            UnauthorizedError: no key, or none that is live.
        """
        if key is None:
            raise UnauthorizedError("a key is needed: send it as X-API-Key")
        if self._is_admin_key(key):
            return CONFIGURED_ADMIN
        hasher = await self.hasher()
        async with checkout(self.pool) as conn:
            return await self._identify(conn, hasher, key)

    async def admit_ingest(self, key: str | None) -> Caller | None:
        """The caller who wants to post a trace with this key, before a body is read; `identify_ingest` decides.

        None where ingest is open: the key is not looked at.

        Raises:
            UnauthorizedError: a key is needed, and there is none that is live.
            ForbiddenError: the key's scopes don't cover it.
        """
        if self.ingest_open:
            return None
        caller = await self.admit(key)
        caller.require(Scope.INGEST)
        return caller

    async def identify_ingest(self, conn: AsyncConnection, key: str | None) -> Caller:
        """Whoever posts a trace with this key, or without one where ingest is open; known in the writing transaction.

        Raises:
            UnauthorizedError: a key is needed, and there is none that is live.
            ForbiddenError: the key's scopes don't cover it.
        """
        if key is None and not self.ingest_open:
            raise UnauthorizedError("a key is needed: send it as X-API-Key")
        try:
            caller = await self._identify(conn, await self.hasher(), key)
            caller.require(Scope.INGEST)
        except (UnauthorizedError, ForbiddenError):
            if not self.ingest_open:
                raise
            return OPEN_INGEST  # a key that would not do is no worse than none
        return caller

    async def identify_all(
        self, conn: AsyncConnection, keys: Collection[str], scope: Scope
    ) -> dict[str, Caller | ThunderError]:
        """Who has each of these keys at this moment, or why it does not do for the scope; one statement for all."""
        given = [key for key in keys if not self._is_admin_key(key)]
        found = await self._find_callers(conn, await self.hasher(), given) if given else {}
        admins = dict.fromkeys(set(keys) - set(given), CONFIGURED_ADMIN)
        return {key: _judge(key, {**found, **admins}.get(key), scope) for key in keys}

    async def hasher(self) -> Hasher:
        """The hasher under THUNDER_SECRET; under the one the database keeps, where none is set."""
        async with self._lock:
            if self._hasher is None:
                self._hasher = Hasher((self.secret or await self._read_generated_secret()).encode())
            return self._hasher

    def _is_admin_key(self, key: str) -> bool:
        return self.admin_key is not None and hmac.compare_digest(_encode(key), _encode(self.admin_key))

    async def _identify(self, conn: AsyncConnection, hasher: Hasher, key: str | None) -> Caller:
        if key is None:
            return ANONYMOUS
        if self._is_admin_key(key):
            return CONFIGURED_ADMIN
        found = await self._find_callers(conn, hasher, [key])
        if key not in found:
            raise _unknown_key(key)
        return found[key]

    async def _find_callers(self, conn: AsyncConnection, hasher: Hasher, keys: list[str]) -> dict[str, Caller]:
        """Who has these keys, those that are live; that they were used is noted."""
        rows = await store.find_callers(
            conn,
            key_hashes=[hash_token(key) for key in keys],
            user_key_hmacs=[hasher.hash_user_key(key) for key in keys],
        )
        for row in rows:
            if row.stale and row.key_id is not None:
                await store.touch_key(conn, key_id=row.key_id)
        return {keys[row.place - 1]: _make_caller(row) for row in rows}

    async def _read_generated_secret(self) -> str:
        """It never changes once it is there, so one look is enough for the life of a process."""
        while True:
            async with checkout_transaction(self.pool, timeout_ms=WRITE_TIMEOUT_MS) as conn:
                kept = await store.generate_secret(conn, secret=secrets.token_hex(SECRET_BYTES))
            if kept is not None:
                return kept


@dataclass(frozen=True, slots=True)
class Said:
    """A text that a client sent, for a statement: if it is a key, `name_of_key` in SQL puts a name in its place.

    Attributes:
        text: what to store if it is none.
        key_hash: the other three are None where it need not be looked up.
    """

    text: str | None
    key_hash: bytes | None = None
    user_key_hmac: bytes | None = None
    label: str | None = None

    def bind(self, prefix: str = "") -> dict[str, object]:
        """The parameters of a statement that stores it."""
        return {prefix + name: getattr(self, name) for name in ("text", "key_hash", "user_key_hmac", "label")}


@dataclass(frozen=True, slots=True)
class Visit:
    """A connection, and whom it is used for; `actor` is their name in the audit log."""

    conn: AsyncConnection
    caller: Caller
    hasher: Hasher
    key: str | None = None
    admin_key: str | None = None
    actor: str = "admin"

    async def note(self, action: Action, subject: str, details: dict[str, Any] | None = None) -> None:
        """Note in the audit log what this transaction does."""
        await insert_entry(self.conn, actor=self.actor, action=action, subject=subject, details=details or {})

    async def resolve_owner(self, text: str) -> bytes | None:
        """The HMAC of a user's key, given as itself or as its label; null for a label that nothing has."""
        span = find_label_range(text)
        if span is None:
            return self.hasher.hash_user_key(text)
        found = await store.find_owner(self.conn, label=text, lowest=span[0], highest=span[1])
        return found.user_key_hmac if found else None

    def say_name(self, text: str | None) -> "Said":
        """A person's name as it may be stored: clients send keys as `created_by`; a name or a label takes its place."""
        if text is None or find_label_range(text):
            return Said(text)
        if text in {self.key, self.admin_key}:
            return Said(self.caller.name if text == self.key else CONFIGURED_ADMIN.name)
        owner, label = self.hasher.hash_user_key(text), self.hasher.label_user_key(text)
        if owner == self.caller.owner:
            return Said(label)
        return Said(text, hash_token(text), owner, label)

    def say_words(self, text: str | None) -> "Said":
        """Any other text as it may be stored: without the caller's own key, and not a long key of anybody's.

        A short text may be a word, though it is somebody's key: it must not vanish for everybody.
        """
        said = Said(text)
        if text is None or len(text) >= SHORTEST_SURE_KEY or text == self.key:
            said = self.say_name(text)
        elif self.hasher.hash_user_key(text) == self.caller.owner:
            said = Said(self.hasher.label_user_key(text))
        if said.text is None or self.key is None or len(self.key) < SHORTEST_SURE_KEY:
            return said
        return replace(said, text=said.text.replace(self.key, self.caller.name))

    async def hide_key(self, text: str | None) -> str | None:
        """What `say_name` says, looked up."""
        return await self.look_up(self.say_name(text))

    async def hide_words(self, text: str | None) -> str | None:
        """What `say_words` says, looked up."""
        return await self.look_up(self.say_words(text))

    async def look_up(self, said: "Said") -> str | None:
        """The name in place of a text that is a key, else the text."""
        if said.key_hash is None or said.user_key_hmac is None or said.label is None:
            return said.text
        found = await store.find_key_name(
            self.conn, key_hash=said.key_hash, user_key_hmac=said.user_key_hmac, label=said.label
        )
        return found or said.text

    def label_of(self, text: str) -> str:
        """The label of a user's key, given as itself or as its label."""
        return text if find_label_range(text) else self.hasher.label_user_key(text)


def _judge(key: str, caller: Caller | None, scope: Scope) -> Caller | ThunderError:
    if caller is None:
        return _unknown_key(key)
    try:
        caller.require(scope)
    except ForbiddenError as error:
        return error
    return caller


def _unknown_key(key: str) -> UnknownKeyError:
    return UnknownKeyError("this key is not known, or it is revoked or expired", hash_token(key))


def _make_caller(row: CallerRow) -> Caller:
    scopes = frozenset(Scope) if row.is_admin else frozenset(map(Scope, row.scopes))
    return Caller(
        name=row.name,
        scopes=scopes,
        is_admin=row.is_admin,
        owner=row.user_key_hmac,
        owner_label=row.user_key_label,
        key_id=row.key_id,
        poster="user" if row.root_id is None else f"key:{row.root_id}",
        expires_at=row.expires_at,
    )


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
