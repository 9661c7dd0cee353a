"""The SQL of deletions. Each function runs one statement; the caller owns the transaction."""

from datetime import datetime
from typing import Annotated

from psycopg import AsyncConnection
from psycopg.rows import class_row
from pydantic import BaseModel, ConfigDict, PlainSerializer

from core.database.sql import load_query
from core.traces.timestamp import UtcMoment

_LOCK_DOOMED = load_query("deletions/lock_doomed")
_COUNT_DOOMED = load_query("deletions/count_doomed")
_DELETE_REQUESTS = load_query("deletions/delete_requests")
_DELETE_COLLECTIONS_OF = load_query("deletions/delete_collections_of")
_LIST_DELETIONS = load_query("deletions/list_deletions")
_LOCK_MODS = load_query("deletions/lock_mods")
_DELETE_UNUSED_BLOCKS = load_query("deletions/delete_unused_blocks")
_DELETE_UNUSED_MODS = load_query("deletions/delete_unused_mods")


class Deletion(BaseModel):
    """A receipt: that a request was deleted, and how many rows of each table went with it.

    Attributes:
        request_sha256: SHA-256 of the request's id in UTF-8, in hex.
        deleted_by: user, admin, key:<id>, command or retention.
        reason: request, user or age.
        document_bytes: size of the document as it was posted.
    """

    model_config = ConfigDict(frozen=True)

    request_sha256: Annotated[bytes, PlainSerializer(bytes.hex, return_type=str)]
    deleted_at: UtcMoment
    deleted_by: str
    reason: str
    document_bytes: int
    steps: int
    summaries: int
    mod_calls: int
    mod_logs: int
    actions: int
    discussions: int
    outcomes: int
    memberships: int


async def lock_doomed(
    conn: AsyncConnection,
    *,
    request_id: str | None = None,
    owner: bytes | None = None,
    before: datetime | None = None,
    limit: int,
) -> list[int]:
    """The numbers of requests with this id, of this owner and that came in before a moment; null: any. Locked."""
    values = {"request_id": request_id, "owner": owner, "before": before, "limit": limit}
    rows = await (await conn.execute(_LOCK_DOOMED, values)).fetchall()
    return [row[0] for row in rows]


async def count_doomed(conn: AsyncConnection, *, owner: bytes | None, before: datetime | None) -> int:
    """How many requests of this owner came in before a moment; null: any."""
    row = await (await conn.execute(_COUNT_DOOMED, {"owner": owner, "before": before})).fetchone()
    return row[0] if row else 0


async def delete_requests(conn: AsyncConnection, *, ids: list[int], deleted_by: str, reason: str) -> list[Deletion]:
    """Delete requests and all that hangs on them, and keep a receipt of each."""
    cursor = conn.cursor(row_factory=class_row(Deletion))
    await cursor.execute(_DELETE_REQUESTS, {"ids": ids, "deleted_by": deleted_by, "reason": reason})
    return await cursor.fetchall()


async def delete_collections_of(conn: AsyncConnection, *, owner: bytes) -> int:
    """Delete a user's collections, and tell how many there were."""
    return len(await (await conn.execute(_DELETE_COLLECTIONS_OF, {"owner": owner})).fetchall())


async def delete_unused_mods(conn: AsyncConnection) -> None:
    """Delete mods and handlers that no trace names any more. Traces that are being stored are waited for."""
    await conn.execute(_LOCK_MODS)
    await conn.execute(_DELETE_UNUSED_BLOCKS)
    await conn.execute(_DELETE_UNUSED_MODS)


async def list_deletions(
    conn: AsyncConnection, *, request_sha256: bytes | None, limit: int, offset: int
) -> list[Deletion]:
    """A page of the receipts, or of one request's, newest first."""
    cursor = conn.cursor(row_factory=class_row(Deletion))
    values = {"request_sha256": request_sha256, "limit": limit, "offset": offset}
    await cursor.execute(_LIST_DELETIONS, values)
    return await cursor.fetchall()
