"""Create, list, change, revoke and rotate API keys. Only admins may do so."""

import math
import secrets
from datetime import UTC, datetime
from typing import Annotated

from pydantic import Field, StringConstraints, ValidationError

from core.access import store
from core.access.access import Access
from core.access.caller import DEFAULT_SCOPES, Scope
from core.access.hasher import find_label_range, hash_token
from core.access.session import Session
from core.access.store import KeyRow
from core.audit.store import Action
from core.database.statements import NOTIFY_STREAMS
from core.errors import InvalidInputError, NotFoundError, ThunderError
from core.wire.json_text import to_column_text
from core.wire.models import Body, Frozen
from core.wire.timestamp import Timestamp
from core.wire.validation import describe_validation

KEY_PREFIX = "ck_"
KEY_BYTES = 32
SHOWN_CHARACTERS = 8
MAX_KEYS_LISTED = 10_000
DEFAULT_OVERLAP_HOURS = 24.0
MAX_OVERLAP_HOURS = 24.0 * 90
SAVE_KEY = "save this key now, because it is not shown again"

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Description = Annotated[str, Field(max_length=2000)]
UserKey = Annotated[str, Field(max_length=1000)]
Scopes = list[Annotated[Scope, Field(strict=False)]]
"""Not strict, because JSON has scopes as text, which a strict model does not accept as a Scope."""


class OwnKeyError(ThunderError):
    """A caller cannot revoke the key it uses, which could be the last admin key."""

    status = 409


class NewKey(Body):
    """The properties of a new key.

    Attributes:
        name: display name.
        description: purpose of the key.
        allowed_api_key: the user, by key or label, whose requests the key sees or, with `ingest`, may post.
        is_admin: whether the key has every right.
        scopes: rights of the key. Default for a key that is not an admin's: read and curate.
        expires_at: when the key expires.
    """

    name: Name
    description: Description | None = None
    allowed_api_key: UserKey | None = None
    is_admin: bool = False
    scopes: Scopes | None = None
    expires_at: Timestamp | None = None


class KeyChange(Body):
    """Changes to a key. Omitted fields keep their value. An empty `allowed_api_key` clears it."""

    id: Annotated[int, Field(ge=1, le=2**63 - 1)]
    name: Name | None = None
    description: Description | None = None
    allowed_api_key: UserKey | None = None
    is_admin: bool | None = None
    scopes: Scopes | None = None


class CreatedKey(Frozen):
    """A new key with its secret, which is shown only here."""

    api_key: str
    id: int
    key_prefix: str
    name: str
    allowed_api_key: str | None
    is_admin: bool
    scopes: list[str]
    expires_at: datetime | None
    message: str


def read_new_key(**given: object) -> NewKey:
    """Validate the properties of a new key from the command line.

    Raises:
        InvalidInputError: a property is invalid.
    """
    try:
        return NewKey.model_validate(given)
    except ValidationError as error:
        raise InvalidInputError(describe_validation(error)) from None


async def list_keys(access: Access, key: str | None) -> list[KeyRow]:
    """List every key, newest first."""
    async with access.session(key, Scope.ADMIN) as session:
        return await store.LIST_KEYS.fetch_all(session.conn, id=None, limit=MAX_KEYS_LISTED)


async def create_key(access: Access, key: str | None, new: NewKey) -> CreatedKey:
    """Create a key.

    Raises:
        InvalidInputError: the expiry is in the past, or no user has the label.
    """
    await access.settle_key(new.allowed_api_key, by=key)
    async with access.session(key, Scope.ADMIN) as session:
        return await insert_key(session, new)


async def insert_key(session: Session, new: NewKey) -> CreatedKey:
    """Create a key in the open transaction."""
    if new.expires_at is not None and new.expires_at <= datetime.now(UTC):
        raise InvalidInputError("expires_at: must be in the future")
    owner, label = await _resolve_user(session, new.allowed_api_key)
    secret = make_key()
    number = await store.INSERT_KEY.fetch_only(
        session.conn,
        key_hash=hash_token(secret),
        key_prefix=secret[:SHOWN_CHARACTERS],
        name=await session.resolve_text(to_column_text(new.name)),
        description=await session.resolve_text(to_column_text(new.description)),
        is_admin=new.is_admin,
        scopes=_choose_scopes(new),
        user_key_hmac=owner,
        user_key_label=label,
        expires_at=new.expires_at,
    )
    made = await _show_once(session, number, secret, SAVE_KEY)
    await session.note(Action.CREATE_KEY, f"key:{made.id}", {"scopes": made.scopes, "is_admin": made.is_admin})
    return made


async def update_key(access: Access, key: str | None, change: KeyChange) -> KeyRow:
    """Change a key that is not revoked.

    Raises:
        NotFoundError: no such key, or it is revoked.
    """
    _refuse_admin_scope(change.scopes)
    await access.settle_key(change.allowed_api_key or None, by=key)
    async with access.session(key, Scope.ADMIN) as session:
        owner, label = await _resolve_user(session, change.allowed_api_key)
        number = await store.UPDATE_KEY.fetch_one(
            session.conn,
            key_id=change.id,
            name=await session.resolve_text(to_column_text(change.name)),
            sets_description="description" in change.model_fields_set,
            description=await session.resolve_text(to_column_text(change.description)),
            is_admin=change.is_admin,
            scopes=None if change.scopes is None else sorted(set(change.scopes)),
            sets_owner=change.allowed_api_key is not None,
            user_key_hmac=owner,
            user_key_label=label,
        )
        if number is None:
            raise _no_key_error(change.id)
        row = await _get(session, number)
        changed = sorted(change.model_fields_set - {"id"})
        now = {"scopes": row.scopes, "is_admin": row.is_admin}
        await session.note(Action.CHANGE_KEY, f"key:{row.id}", {"changed": changed, **now})
        await NOTIFY_STREAMS.execute(session.conn)
    return row


async def revoke_key(access: Access, key: str | None, *, key_id: int) -> None:
    """Revoke a key. Every process rejects it from the next request on.

    Raises:
        OwnKeyError: the caller uses this key.
        NotFoundError: no such key, or it is already revoked.
    """
    async with access.session(key, Scope.ADMIN) as session:
        if session.caller.key_id == key_id:
            raise OwnKeyError("id: you are using this key; revoke it with another one")
        if await store.REVOKE_KEY.fetch_one(session.conn, key_id=key_id) is None:
            raise _no_key_error(key_id)
        await session.note(Action.REVOKE_KEY, f"key:{key_id}")
        await NOTIFY_STREAMS.execute(session.conn)


async def rotate_key(access: Access, key: str | None, *, key_id: int, overlap_hours: float) -> CreatedKey:
    """Create a successor with the same rights. The old key expires when the overlap ends.

    Raises:
        InvalidInputError: the overlap is out of range.
        NotFoundError: no such live key, or it was already rotated.
    """
    if not (math.isfinite(overlap_hours) and 0 <= overlap_hours <= MAX_OVERLAP_HOURS):
        raise InvalidInputError(f"overlap_hours: must be between 0 and {MAX_OVERLAP_HOURS:g}")
    async with access.session(key, Scope.ADMIN) as session:
        secret = make_key()
        number = await store.ROTATE_KEY.fetch_one(
            session.conn,
            key_id=key_id,
            overlap_s=overlap_hours * 3600,
            key_hash=hash_token(secret),
            key_prefix=secret[:SHOWN_CHARACTERS],
        )
        if number is None:
            raise NotFoundError(f"key_id: {key_id} is not live, or was already rotated; rotate its successor instead")
        successor = {"successor": number, "overlap_hours": overlap_hours}
        await session.note(Action.ROTATE_KEY, f"key:{key_id}", successor)
        await NOTIFY_STREAMS.execute(session.conn)
        message = f"{SAVE_KEY}; the old key expires in {overlap_hours:g} hours"
        return await _show_once(session, number, secret, message)


def make_key() -> str:
    """Generate a key: a recognizable prefix and 256 random bits."""
    return KEY_PREFIX + secrets.token_hex(KEY_BYTES)


async def _resolve_user(session: Session, user_key: str | None) -> tuple[bytes | None, str | None]:
    if not user_key:
        return None, None
    if find_label_range(user_key) is None:
        await session.require_present_secret()
    owner = await session.resolve_owner(user_key)
    if owner is None:
        raise InvalidInputError("allowed_api_key: no user has this label; send the user API key itself")
    return owner


def _choose_scopes(new: NewKey) -> list[str]:
    if new.is_admin and new.scopes is not None:
        raise InvalidInputError("scopes: an admin key has every scope; omit them")
    _refuse_admin_scope(new.scopes)
    if new.is_admin:
        return sorted(Scope)
    return sorted(DEFAULT_SCOPES if new.scopes is None else set(new.scopes))


def _refuse_admin_scope(scopes: list[Scope] | None) -> None:
    if scopes is not None and Scope.ADMIN in scopes:
        raise InvalidInputError('scopes: "admin" can\'t be granted; set is_admin')


async def _get(session: Session, number: int) -> KeyRow:
    return await store.LIST_KEYS.fetch_only(session.conn, id=number, limit=1)


async def _show_once(session: Session, number: int, secret: str, message: str) -> CreatedKey:
    return CreatedKey(**dict(await _get(session, number)), api_key=secret, message=message)


def _no_key_error(key_id: int) -> NotFoundError:
    return NotFoundError(f"id: {key_id} is not a live key; list the keys with GET /auth/keys")
