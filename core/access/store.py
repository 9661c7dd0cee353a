"""The SQL of access. Each function runs one statement."""

from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import class_row
from pydantic import BaseModel, ConfigDict

from core.database.sql import load_query
from core.wire.timestamp import UtcMoment

_FIND_CALLERS = load_query("access/find_callers")
_TOUCH_KEY = load_query("access/touch_key")
_LIST_KEYS = load_query("access/list_keys")
_INSERT_KEY = load_query("access/insert_key")
_UPDATE_KEY = load_query("access/update_key")
_REVOKE_KEY = load_query("access/revoke_key")
_ROTATE_KEY = load_query("access/rotate_key")
_COUNT_ADMINS = load_query("access/count_admins")
_LOCK_BOOTSTRAP = load_query("access/lock_bootstrap")
_LOCK_ATTEMPTS = load_query("access/lock_attempts")
_RECORD_ATTEMPT = load_query("access/record_attempt")
_GENERATE_SECRET = load_query("access/generate_secret")
_FIND_KEY_NAME = load_query("access/find_key_name")
_FIND_OWNER = load_query("access/find_owner")


class Row(BaseModel):
    """A result row."""

    model_config = ConfigDict(frozen=True)


class CallerRow(Row):
    """A live issued key or user API key. `ordinal` is its position in the list of given keys, from 1."""

    ordinal: int
    key_id: int | None
    root_id: int | None
    name: str
    is_admin: bool
    scopes: list[str]
    user_key_hmac: bytes | None
    user_key_label: str | None
    expires_at: UtcMoment | None
    stale: bool


class KeyRow(Row):
    """An issued key without its secret."""

    id: int
    key_prefix: str
    name: str
    description: str | None
    allowed_api_key: str | None
    is_admin: bool
    scopes: list[str]
    is_active: bool
    created_at: UtcMoment
    updated_at: UtcMoment
    last_used_at: UtcMoment | None
    expires_at: UtcMoment | None


class OwnerRow(Row):
    """The user a label belongs to."""

    user_key_hmac: bytes
    user_key_label: str


async def find_callers(
    conn: AsyncConnection, *, key_hashes: list[bytes], user_key_hmacs: list[bytes]
) -> list[CallerRow]:
    """Find the callers of the live keys: issued keys by hash, else users with stored requests."""
    cursor = conn.cursor(row_factory=class_row(CallerRow))
    await cursor.execute(_FIND_CALLERS, {"key_hashes": key_hashes, "user_key_hmacs": user_key_hmacs})
    return await cursor.fetchall()


async def touch_key(conn: AsyncConnection, *, key_id: int) -> None:
    """Record that a key was used."""
    await conn.execute(_TOUCH_KEY, {"key_id": key_id})


async def list_keys(conn: AsyncConnection, *, limit: int) -> list[KeyRow]:
    """List every key, newest first."""
    cursor = conn.cursor(row_factory=class_row(KeyRow))
    await cursor.execute(_LIST_KEYS, {"limit": limit})
    return await cursor.fetchall()


async def insert_key(conn: AsyncConnection, *, columns: dict[str, Any]) -> KeyRow | None:
    """Insert a key."""
    cursor = conn.cursor(row_factory=class_row(KeyRow))
    await cursor.execute(_INSERT_KEY, columns)
    return await cursor.fetchone()


async def update_key(conn: AsyncConnection, *, columns: dict[str, Any]) -> KeyRow | None:
    """Change the given fields of a key. Returns None if there is no such key or it is revoked."""
    cursor = conn.cursor(row_factory=class_row(KeyRow))
    await cursor.execute(_UPDATE_KEY, columns)
    return await cursor.fetchone()


async def revoke_key(conn: AsyncConnection, *, key_id: int) -> bool:
    """Revoke a key. Returns False if there is no such key or it was already revoked."""
    cursor = await conn.execute(_REVOKE_KEY, {"key_id": key_id})
    return await cursor.fetchone() is not None


async def rotate_key(conn: AsyncConnection, *, columns: dict[str, Any]) -> KeyRow | None:
    """Insert a successor of a live key and expire the old key. Returns None if there is no such live key."""
    cursor = conn.cursor(row_factory=class_row(KeyRow))
    await cursor.execute(_ROTATE_KEY, columns)
    return await cursor.fetchone()


async def count_admins(conn: AsyncConnection) -> int:
    """Count the admin keys, including revoked ones."""
    row = await (await conn.execute(_COUNT_ADMINS)).fetchone()
    return int(row[0]) if row else 0


async def lock_bootstrap(conn: AsyncConnection) -> None:
    """Serialize bootstrapping until the transaction ends."""
    await conn.execute(_LOCK_BOOTSTRAP)


async def lock_attempts(conn: AsyncConnection, *, address: str) -> None:
    """Serialize the attempts of an address until the transaction ends."""
    await conn.execute(_LOCK_ATTEMPTS, {"address": address})


async def record_attempt(conn: AsyncConnection, *, address: str, most: int) -> bool:
    """Record a failed attempt. Returns False if the address has reached its limit for the last minute."""
    row = await (await conn.execute(_RECORD_ATTEMPT, {"address": address, "most": most})).fetchone()
    return bool(row and row[0])


async def generate_secret(conn: AsyncConnection, *, secret: str) -> str | None:
    """Store the secret unless one is stored, and return the stored one. Returns None during a concurrent insert."""
    row = await (await conn.execute(_GENERATE_SECRET, {"secret": secret})).fetchone()
    return str(row[0]) if row else None


async def find_owner(conn: AsyncConnection, *, label: str, lowest: bytes, highest: bytes) -> OwnerRow | None:
    """Find the user with this label in stored requests and keys. The HMAC is between `lowest` and `highest`."""
    cursor = conn.cursor(row_factory=class_row(OwnerRow))
    await cursor.execute(_FIND_OWNER, {"label": label, "lowest": lowest, "highest": highest})
    return await cursor.fetchone()


async def find_key_name(conn: AsyncConnection, *, key_hash: bytes, user_key_hmac: bytes, label: str) -> str | None:
    """Return the name of a text that is an issued key, or the label of a user API key. None: the text is not a key."""
    values = {"key_hash": key_hash, "user_key_hmac": user_key_hmac, "label": label}
    row = await (await conn.execute(_FIND_KEY_NAME, values)).fetchone()
    return row[0] if row else None
