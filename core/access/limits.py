"""Limit calls per key and per address in a sliding window that all processes share, and check calls without a key."""

from contextlib import AbstractAsyncContextManager
from typing import NamedTuple

from core.access import store
from core.access.access import Access
from core.access.caller import Scope, UnauthorizedError
from core.access.session import Session
from core.access.turns import client_address
from core.errors import ThunderError

WINDOW_S = 60


class TooManyCallsError(ThunderError):
    """The key or the address has used up its calls."""

    status = 429


class CallLimit(NamedTuple):
    """The calls of one kind within WINDOW_S.

    Attributes:
        action: the kind, as stored.
        per_key: calls with one key.
        per_address: calls from one address, with any key or without one.
    """

    action: str
    per_key: int = 40
    per_address: int = 60


def require_key(access: Access, key: str | None) -> None:
    """Check that a call has a key, unless PLAYGROUND_KEYLESS is set.

    Raises:
        UnauthorizedError: there is no key.
    """
    if key is None and not access.keyless:
        raise UnauthorizedError(
            "key: missing; send one as X-API-Key, or set PLAYGROUND_KEYLESS=true to serve calls without one"
        )


async def authenticate_keyless(access: Access, key: str | None) -> None:
    """Check that a key is live, or that it may be missing (`require_key`)."""
    require_key(access, key)
    if key is not None:
        await access.authenticate(key)


def open_keyless(access: Access, key: str | None, scope: Scope) -> AbstractAsyncContextManager[Session]:
    """Open a session for a caller whose key may be missing (`require_key`)."""
    require_key(access, key)
    return access.session(key, scope, public=key is None)


async def count_call(session: Session, limit: CallLimit) -> None:
    """Count a call in the open transaction. A refused call does not count.

    Raises:
        TooManyCallsError: the limit is reached.
    """
    most = {f"address:{client_address.get()}": limit.per_address}
    if session.key is not None:
        most[session.caller.account.name] = limit.per_key
    # Sorted, so that two calls lock the same rows in the same order.
    subjects = sorted((session.hasher.hash_account(name), number) for name, number in most.items())
    counted = await store.COUNT_CALL.fetch_all(
        session.conn,
        action=limit.action,
        subjects=[subject for subject, _ in subjects],
        most=[number for _, number in subjects],
        window_s=WINDOW_S,
    )
    if len(counted) < len(subjects):
        raise TooManyCallsError(f"calls: too many within {WINDOW_S} s; wait a minute and try again")
