"""Limit calls per key and per address in a sliding window that all processes share, and check calls without a key."""

from typing import NamedTuple

from core.access import store
from core.access.caller import UnauthorizedError
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


def require_key(key: str | None, *, keyless: bool) -> None:
    """Check that a call has a key, unless PLAYGROUND_KEYLESS is set.

    Raises:
        UnauthorizedError: there is no key.
    """
    if key is None and not keyless:
        raise UnauthorizedError(
            "key: missing; send one as X-API-Key, or set PLAYGROUND_KEYLESS=true to serve calls without one"
        )


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
