"""The first admin key of a database, for whoever knows BOOTSTRAP_SECRET."""

import hmac
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from core.access import store
from core.access.caller import CONFIGURED_ADMIN, ForbiddenError, UnknownKeyError
from core.access.hasher import hash_token
from core.access.keys import MadeKey, Name, NewKey, insert_key
from core.access.session import WRITE_TIMEOUT_MS, Access, Visit
from core.database.pool import checkout_transaction
from core.errors import ThunderError

MAX_ATTEMPTS_PER_MINUTE = 5
"""Wrong tries from one address."""


class TooManyAttemptsError(ThunderError):
    """More tries than anybody needs who knows the secret."""

    status = 429


class KeysExistError(ThunderError):
    """There is an admin key already: only it makes others."""

    status = 409


class BootstrapRequest(BaseModel):
    """Who asks, and the secret they must know."""

    model_config = ConfigDict(strict=True, frozen=True)

    name: Name
    secret: Annotated[str, Field(max_length=1000)]


async def bootstrap(access: Access, asked: BootstrapRequest, *, secret: str | None, address: str) -> MadeKey:
    """Make the first admin key; of two that ask at once, one gets it.

    Raises:
        ForbiddenError: BOOTSTRAP_SECRET is not set.
        UnknownKeyError: the secret is wrong.
        TooManyAttemptsError: it was wrong five times within a minute from this address, all processes together.
        KeysExistError: there is an admin key, or a configured one.
    """
    if secret is None:
        raise ForbiddenError("bootstrapping is disabled: BOOTSTRAP_SECRET is not set")
    # Compared first: wrong tries, from this address too, do not keep out who knows the secret.
    if not hmac.compare_digest(asked.secret.encode("utf-8", "surrogatepass"), secret.encode()):
        await _count_attempt(access, address)
        raise UnknownKeyError("the secret is wrong", hash_token(asked.secret))
    hasher = await access.hasher()
    async with checkout_transaction(access.pool, timeout_ms=WRITE_TIMEOUT_MS) as conn:
        await store.lock_bootstrap(conn)
        if access.admin_key is not None or await store.count_admins(conn):
            raise KeysExistError("an admin key exists already: ask whoever has it")
        visit = Visit(conn, CONFIGURED_ADMIN, hasher, actor="bootstrap")
        return await insert_key(visit, NewKey(name=asked.name, is_admin=True))


async def _count_attempt(access: Access, address: str) -> None:
    async with checkout_transaction(access.pool, timeout_ms=WRITE_TIMEOUT_MS) as conn:
        await store.lock_attempts(conn, address=address)
        may_try = await store.record_attempt(conn, address=address, most=MAX_ATTEMPTS_PER_MINUTE)
    if not may_try:
        raise TooManyAttemptsError("too many wrong tries from this address: wait a minute")
