"""Look up the callers that keys belong to."""

from collections.abc import Callable
from dataclasses import replace

from psycopg import AsyncConnection

from core.access import store
from core.access.caller import SETTING_ADMIN, Caller, Scope, SignedOutError, UnauthorizedError, UnknownKeyError
from core.access.hasher import Hasher, hash_token
from core.access.sign_in_token import SignInToken
from core.access.store import CallerRow


async def find_callers(
    conn: AsyncConnection, hasher: Hasher, keys: list[str], is_proof: Callable[[bytes, str], bool]
) -> dict[str, Caller]:
    """Return the callers of the keys that are live, and record the use of those keys.

    `is_proof` returns whether the configured admin key made the proof of a sign-in.
    """
    tokens = [key if isinstance(key, SignInToken) else None for key in keys]
    sent = [None if isinstance(key, SignInToken) else key for key in keys]
    previous = hasher.previous
    rows = await store.FIND_CALLERS.fetch_all(
        conn,
        key_hashes=[None if key is None else hash_token(key) for key in sent],
        user_key_hmacs=[None if key is None else hasher.hash_user_key(key) for key in sent],
        token_hashes=[token and hasher.hash_sign_in(token) for token in tokens],
        previous_token_hashes=[token and previous and previous.hash_sign_in(token) for token in tokens],
    )
    for row in rows:
        if row.stale and row.key_id is not None:
            await store.TOUCH_KEY.execute(conn, key_id=row.key_id)
    found = ((keys[row.ordinal - 1], row) for row in rows)
    return {
        key: _make_caller(row) if row.admin_proof is None else replace(SETTING_ADMIN, expires_at=row.expires_at)
        for key, row in found
        if row.admin_proof is None or is_proof(row.admin_proof, key)
    }


def unknown_key_error(key: str) -> UnauthorizedError:
    """Return the error for a key that no caller has."""
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
        previous_owner=row.previous_hmac,
        key_id=row.key_id,
        poster="user" if row.root_id is None else f"key:{row.root_id}",
        expires_at=row.expires_at,
    )
