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
    """One row of an answer."""

    model_config = ConfigDict(frozen=True)


class CallerRow(Row):
    """A live key: one of ours, or a user's own; `place` from 1 is that of the key that was asked for."""

    place: int
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
    """A key as lists show it."""

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
    """The owner behind a label."""

    user_key_hmac: bytes
    user_key_label: str


async def find_callers(
    conn: AsyncConnection, *, key_hashes: list[bytes], user_key_hmacs: list[bytes]
) -> list[CallerRow]:
    """Who has each of these keys, if it is live: one of ours by its hash, else a user whose requests are stored."""
    cursor = conn.cursor(row_factory=class_row(CallerRow))
    await cursor.execute(_FIND_CALLERS, {"key_hashes": key_hashes, "user_key_hmacs": user_key_hmacs})
    return await cursor.fetchall()


async def touch_key(conn: AsyncConnection, *, key_id: int) -> None:
    """Note that a key was used."""
    await conn.execute(_TOUCH_KEY, {"key_id": key_id})


async def list_keys(conn: AsyncConnection, *, limit: int) -> list[KeyRow]:
    """Every key, newest first."""
    cursor = conn.cursor(row_factory=class_row(KeyRow))
    await cursor.execute(_LIST_KEYS, {"limit": limit})
    return await cursor.fetchall()


async def insert_key(conn: AsyncConnection, *, columns: dict[str, Any]) -> KeyRow | None:
    """Insert a key."""
    cursor = conn.cursor(row_factory=class_row(KeyRow))
    await cursor.execute(_INSERT_KEY, columns)
    return await cursor.fetchone()


async def update_key(conn: AsyncConnection, *, columns: dict[str, Any]) -> KeyRow | None:
    """Change what was given of a key that is not revoked; null if there is none."""
    cursor = conn.cursor(row_factory=class_row(KeyRow))
    await cursor.execute(_UPDATE_KEY, columns)
    return await cursor.fetchone()


async def revoke_key(conn: AsyncConnection, *, key_id: int) -> bool:
    """Revoke a key; whether there was one that was not revoked yet."""
    cursor = await conn.execute(_REVOKE_KEY, {"key_id": key_id})
    return await cursor.fetchone() is not None


async def rotate_key(conn: AsyncConnection, *, columns: dict[str, Any]) -> KeyRow | None:
    """Insert a successor like the key it replaces, which then expires; null if there is no live one."""
    cursor = conn.cursor(row_factory=class_row(KeyRow))
    await cursor.execute(_ROTATE_KEY, columns)
    return await cursor.fetchone()


async def count_admins(conn: AsyncConnection) -> int:
    """Admin keys that exist, revoked ones too."""
    row = await (await conn.execute(_COUNT_ADMINS)).fetchone()
    return int(row[0]) if row else 0


async def lock_bootstrap(conn: AsyncConnection) -> None:
    """Take turns until the transaction ends."""
    await conn.execute(_LOCK_BOOTSTRAP)


async def lock_attempts(conn: AsyncConnection, *, address: str) -> None:
    """Take turns with the other tries from an address until the transaction ends."""
    await conn.execute(_LOCK_ATTEMPTS, {"address": address})


async def record_attempt(conn: AsyncConnection, *, address: str, most: int) -> bool:
    """Note a wrong try, unless there were enough from its address within a minute; whether it was noted."""
    row = await (await conn.execute(_RECORD_ATTEMPT, {"address": address, "most": most})).fetchone()
    return bool(row and row[0])


async def generate_secret(conn: AsyncConnection, *, secret: str) -> str | None:
    """The secret that the database keeps: the given one if there was none; null if another was just being put there."""
    row = await (await conn.execute(_GENERATE_SECRET, {"secret": secret})).fetchone()
    return str(row[0]) if row else None


async def find_owner(conn: AsyncConnection, *, label: str, lowest: bytes, highest: bytes) -> OwnerRow | None:
    """The user whose key has this label, if a request or a key tells; its HMAC lies between the two given."""
    cursor = conn.cursor(row_factory=class_row(OwnerRow))
    await cursor.execute(_FIND_OWNER, {"label": label, "lowest": lowest, "highest": highest})
    return await cursor.fetchone()


async def find_key_name(conn: AsyncConnection, *, key_hash: bytes, user_key_hmac: bytes, label: str) -> str | None:
    """What to call a text that is a key: the name of one that was given out, or a user's label; null: it is none."""
    values = {"key_hash": key_hash, "user_key_hmac": user_key_hmac, "label": label}
    row = await (await conn.execute(_FIND_KEY_NAME, values)).fetchone()
    return row[0] if row else None
