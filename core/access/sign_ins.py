"""Sign browsers in and out. A sign-in has the rights of the key that signed in, and is valid as long as that key."""

import secrets
from collections.abc import Collection
from dataclasses import dataclass

from core.access import store
from core.access.access import Access
from core.access.caller import SETTING_ADMIN, Caller, ForbiddenError, Scope, UnauthorizedError, UnknownKeyError
from core.access.hasher import hash_token, is_proof, prove_key
from core.access.process_secret import WRITE_TIMEOUT_MS
from core.access.session import Session
from core.access.sign_in_token import SignInToken
from core.audit.store import Action
from core.database.pool import checkout_transaction
from core.database.statements import NOTIFY_STREAMS

TOKEN_BYTES = 32
LIFETIME_S = 30 * 24 * 3600
LINK_LIFETIME_S = 15 * 60
MAX_PER_KEY = 100
"""Number of browsers that one key can sign in. One more signs the oldest out."""


@dataclass(frozen=True, slots=True)
class SignIn:
    """A new sign-in: its caller, and the token for the browser's cookie."""

    caller: Caller
    token: str


async def sign_in(access: Access, key: str | None) -> SignIn:
    """Sign a browser in with a key.

    Raises:
        UnauthorizedError: no key, or not a live one.
        ForbiddenError: the key was rotated, and is live only during the overlap.
    """
    if isinstance(key, SignInToken):
        raise UnauthorizedError("key: missing; send one as X-API-Key")
    async with access.session(key, None) as session:
        return await _insert(session, access)


async def sign_in_by_link(access: Access, token: str) -> SignIn:
    """Sign a browser in as the admin with the token of a link, which works once.

    Raises:
        UnknownKeyError: the link was used or has expired, or the admin key has changed since.
    """
    hasher = await access.hasher()
    async with checkout_transaction(access.pool, timeout_ms=WRITE_TIMEOUT_MS) as conn:
        proof = await store.USE_SIGN_IN_LINK.fetch_one(conn, token_hashes=hasher.list_sign_in_hashes(token))
        if proof is None or not is_proof(proof, access.admin_key, token):
            raise UnknownKeyError(
                "link: used, expired or unknown; sign in with a key, or get a new link with `manage.py sign-in`",
                hash_token(token),
            )
        return await _insert(Session(conn, SETTING_ADMIN, hasher), access)


async def sign_out(access: Access, tokens: Collection[SignInToken]) -> None:
    """End the sign-ins of a browser. Every process refuses its cookies from the next request on."""
    if not tokens:
        return
    hasher = await access.hasher()
    hashes = [one for token in tokens for one in hasher.list_sign_in_hashes(token)]
    async with checkout_transaction(access.pool, timeout_ms=WRITE_TIMEOUT_MS) as conn:
        if await store.DELETE_SIGN_INS.fetch_all(conn, token_hashes=hashes):
            await NOTIFY_STREAMS.execute(conn)


async def sign_out_everywhere(access: Access, key: str | None) -> int:
    """End the sign-ins of all browsers that have signed in with the caller's key, and return their number.

    Raises:
        UnauthorizedError: no key and no cookie, or not a live one.
    """
    async with access.session(key, None) as session:
        caller = session.caller
        ended = await store.DELETE_SIGN_INS_OF_KEY.fetch_all(
            session.conn, key_id=caller.key_id, user_key_hmac=caller.owner if caller.poster == "user" else None
        )
        await session.note(Action.SIGN_OUT_EVERYWHERE, "browser", {"browsers": len(ended)})
        await NOTIFY_STREAMS.execute(session.conn)
    return len(ended)


async def create_link(access: Access, key: str, *, admin_key: str) -> str:
    """Create a link that signs one browser in with the rights of the configured admin key, and return its token."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    async with access.session(key, Scope.ADMIN) as session:
        await store.INSERT_SIGN_IN_LINK.execute(
            session.conn,
            token_hash=session.hasher.hash_sign_in(token),
            admin_proof=prove_key(admin_key, token),
            lifetime_s=LINK_LIFETIME_S,
        )
    return token


async def _insert(session: Session, access: Access) -> SignIn:
    token, caller = secrets.token_urlsafe(TOKEN_BYTES), session.caller
    is_issued, is_user = caller.key_id is not None, caller.poster == "user"
    key = session.key or ""
    made = await store.INSERT_SIGN_IN.fetch_one(
        session.conn,
        token_hash=session.hasher.hash_sign_in(token),
        key_hash=hash_token(key) if is_issued else None,
        user_key_hmac=caller.owner if is_user else None,
        admin_proof=None if is_issued or is_user else prove_key(access.admin_key or "", token),
        lifetime_s=LIFETIME_S,
        most=MAX_PER_KEY,
    )
    if made is None:
        raise ForbiddenError("key: rotated; sign in with its successor")
    await session.note(Action.SIGN_IN, "browser")
    return SignIn(caller, token)
