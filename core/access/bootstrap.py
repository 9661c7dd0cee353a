"""Create the first admin key of a database for a caller that knows BOOTSTRAP_SECRET."""

import hmac
from typing import Annotated

from pydantic import Field

from core.access import store
from core.access.access import Access
from core.access.caller import SETTING_ADMIN, ForbiddenError, Scope, UnknownKeyError
from core.access.hasher import hash_token
from core.access.keys import CreatedKey, Name, NewKey, insert_key
from core.access.process_secret import WRITE_TIMEOUT_MS
from core.access.session import Session
from core.database.pool import checkout_transaction
from core.errors import ThunderError
from core.wire.models import Body

MAX_ATTEMPTS_PER_MINUTE = 5
"""Limit on failed attempts per address."""


class TooManyAttemptsError(ThunderError):
    """Too many failed attempts from one address."""

    status = 429


class KeysExistError(ThunderError):
    """An admin key already exists, so only an admin can create more."""

    status = 409


class BootstrapRequest(Body):
    """The name of the new key, and the bootstrap secret."""

    name: Name
    secret: Annotated[str, Field(max_length=1000)]


async def bootstrap(access: Access, new: BootstrapRequest, *, secret: str | None, address: str) -> CreatedKey:
    """Create the first admin key. Only one of two concurrent calls succeeds.

    Raises:
        ForbiddenError: BOOTSTRAP_SECRET is not set.
        UnknownKeyError: the secret is wrong.
        TooManyAttemptsError: five failed attempts from this address within a minute, counted across all processes.
        KeysExistError: an admin key exists, or THUNDER_ADMIN_KEY is set.
    """
    if secret is None:
        raise ForbiddenError("bootstrap: disabled; set BOOTSTRAP_SECRET to enable it")
    # The secret is compared before the limit, so failed attempts never lock out a caller that knows it.
    if not hmac.compare_digest(new.secret.encode("utf-8", "surrogatepass"), secret.encode()):
        await _count_attempt(access, address)
        raise UnknownKeyError("secret: wrong; send the value of BOOTSTRAP_SECRET", hash_token(new.secret))
    hasher = await access.hasher()
    async with checkout_transaction(access.pool, timeout_ms=WRITE_TIMEOUT_MS) as conn:
        await store.LOCK_BOOTSTRAP.execute(conn)
        if access.admin_key is not None or await store.COUNT_ADMINS.fetch_only(conn):
            raise KeysExistError("bootstrap: an admin key already exists; ask its holder for a key")
        session = Session(conn, SETTING_ADMIN, hasher, actor="bootstrap")
        return await insert_key(session, NewKey(name=new.name, is_admin=True))


async def create_first_admin(access: Access, key: str) -> CreatedKey | None:
    """Create an admin key with an admin key of a command; return None if the database has a live one."""
    async with access.session(key, Scope.ADMIN) as session:
        await store.LOCK_BOOTSTRAP.execute(session.conn)
        if (await store.FIND_GUARDS.fetch_only(session.conn)).admin_keys:
            return None
        return await insert_key(session, NewKey(name="first admin key", is_admin=True))


async def _count_attempt(access: Access, address: str) -> None:
    async with checkout_transaction(access.pool, timeout_ms=WRITE_TIMEOUT_MS) as conn:
        await store.LOCK_ATTEMPTS.execute(conn, address=address)
        may_try = await store.RECORD_ATTEMPT.fetch_only(conn, address=address, most=MAX_ATTEMPTS_PER_MINUTE)
    if not may_try:
        raise TooManyAttemptsError("secret: too many failed attempts from this address; wait a minute")
