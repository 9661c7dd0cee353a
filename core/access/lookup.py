"""Look up the callers that keys belong to."""

from collections.abc import Collection
from dataclasses import replace

from psycopg import AsyncConnection

from core.access import store
from core.access.caller import SETTING_ADMIN, Caller, Scope, SignedOutError, UnauthorizedError, UnknownKeyError
from core.access.hasher import Hasher, hash_token, is_admin_key, is_proof
from core.access.sign_in_token import SignInToken
from core.access.store import CallerRow


async def find_callers(
    conn: AsyncConnection, hasher: Hasher, keys: Collection[str], admin_key: str | None
) -> dict[str, Caller]:
    """Return the callers of the keys that are live, and record the use of those keys.

    A browser that signed in with an earlier admin key has no rights. The admin key needs no lookup.
    """
    given = [key for key in keys if not is_admin_key(key, admin_key)]
    found = dict.fromkeys(set(keys) - set(given), SETTING_ADMIN)
    if not given:
        return found
    tokens = [key if isinstance(key, SignInToken) else None for key in given]
    sent = [None if isinstance(key, SignInToken) else key for key in given]
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
        key = given[row.ordinal - 1]
        if row.admin_proof is None:
            found[key] = _make_caller(row)
        elif is_proof(row.admin_proof, admin_key, key):
            found[key] = replace(SETTING_ADMIN, expires_at=row.expires_at)
    return found


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
