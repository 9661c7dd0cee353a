"""The SQL of shares. Each function runs one statement."""

from datetime import datetime

from psycopg import AsyncConnection
from psycopg.rows import class_row
from pydantic import BaseModel, ConfigDict

from core.database.sql import load_query
from core.traces.store import StoredLog

_LOCK_SHARE = load_query("shares/lock_share")
_SET_SHARE = load_query("shares/set_share")
_GET_PREVIEW = load_query("shares/get_preview")
_GET_SHARED_LOG = load_query("shares/get_shared_log")


class ShareRow(BaseModel):
    """The share state of a request."""

    model_config = ConfigDict(frozen=True)

    id: int
    user_key_hmac: bytes | None
    share_nonce: bytes | None
    share_expires_at: datetime | None
    is_public: bool


async def lock_share(conn: AsyncConnection, *, request_id: str) -> ShareRow | None:
    """Lock a request's share state until the transaction ends. Returns None if there is no such request."""
    cursor = conn.cursor(row_factory=class_row(ShareRow))
    await cursor.execute(_LOCK_SHARE, {"request_id": request_id})
    return await cursor.fetchone()


async def set_share(
    conn: AsyncConnection, *, row_id: int, nonce: bytes | None, token_hash: bytes | None, expires_at: datetime | None
) -> None:
    """Publish a request, or with None values revoke its link."""
    values = {"id": row_id, "nonce": nonce, "token_hash": token_hash, "expires_at": expires_at}
    await conn.execute(_SET_SHARE, values)


class PreviewRow(BaseModel):
    """The preview of a link. `final_text` is truncated."""

    model_config = ConfigDict(frozen=True)

    model: str | None
    final_text: str | None
    sequence_confidence: float | None
    sequence_confidence_is_bound: bool | None
    total_steps: int


async def get_preview(
    conn: AsyncConnection, *, token_hash: bytes, request_id: str | None, characters: int
) -> PreviewRow | None:
    """Get the preview of the request that `get_shared_log` opens."""
    cursor = conn.cursor(row_factory=class_row(PreviewRow))
    await cursor.execute(_GET_PREVIEW, {"token_hash": token_hash, "request_id": request_id, "characters": characters})
    return await cursor.fetchone()


async def get_shared_log(
    conn: AsyncConnection, *, token_hash: bytes, request_id: str | None, known: list[str], rendered: list[str]
) -> StoredLog | None:
    """Get the request that a live share token opens: the shared request, or a member of the shared collection."""
    cursor = conn.cursor(row_factory=class_row(StoredLog), binary=True)
    await cursor.execute(
        _GET_SHARED_LOG,
        {"token_hash": token_hash, "request_id": request_id, "known": known, "rendered": rendered},
    )
    return await cursor.fetchone()
