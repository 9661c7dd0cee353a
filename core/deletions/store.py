"""Run the SQL of deletions. Each function runs one statement; the caller owns the transaction."""

from datetime import datetime
from typing import Annotated

from psycopg import AsyncConnection
from psycopg.rows import class_row
from pydantic import BaseModel, ConfigDict, PlainSerializer

from core.database.sql import load_query
from core.wire.timestamp import UtcMoment

_LOCK_DOOMED = load_query("deletions/lock_doomed")
_COUNT_DOOMED = load_query("deletions/count_doomed")
_DELETE_REQUESTS = load_query("deletions/delete_requests")
_DELETE_COLLECTIONS_OF = load_query("deletions/delete_collections_of")
_LIST_DELETIONS = load_query("deletions/list_deletions")
_SET_HOLD = load_query("deletions/set_hold")
_LIFT_HOLD = load_query("deletions/lift_hold")
_LIST_HOLDS = load_query("deletions/list_holds")
_LOCK_MODS = load_query("deletions/lock_mods")
_DELETE_UNUSED_BLOCKS = load_query("deletions/delete_unused_blocks")
_DELETE_UNUSED_MODS = load_query("deletions/delete_unused_mods")


Hex = Annotated[bytes, PlainSerializer(bytes.hex, return_type=str)]


class Deletion(BaseModel):
    """A receipt of a deleted request, with the number of rows deleted from each table.

    Attributes:
        request_sha256: SHA-256 of the request's id in UTF-8, in hex.
        deleted_by: user, admin, key:<id>, command or retention.
        reason: request, user or age.
        document_bytes: size of the posted document.
        place: its ordinal in the chain of receipts, from 1.
        chain: SHA-256 over the hash of the previous receipt and the content of this one, in hex.
    """

    model_config = ConfigDict(frozen=True)

    request_sha256: Hex
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
    place: int
    chain: Hex


class DoomedCount(BaseModel):
    """The number of requests that would be deleted, and of those that would stay because of a legal hold."""

    model_config = ConfigDict(frozen=True)

    doomed: int
    held: int


class Hold(BaseModel):
    """A legal hold. `held_by` is an actor of the audit log."""

    model_config = ConfigDict(frozen=True)

    request_id: str
    reason: str
    held_by: str
    held_at: UtcMoment


async def lock_doomed(
    conn: AsyncConnection,
    *,
    request_id: str | None = None,
    owner: bytes | None = None,
    before: datetime | None = None,
    limit: int,
) -> list[int]:
    """Lock the requests that match an id, an owner and a time limit, and return their bigint ids. None means any."""
    values = {"request_id": request_id, "owner": owner, "before": before, "limit": limit}
    rows = await (await conn.execute(_LOCK_DOOMED, values)).fetchall()
    return [row[0] for row in rows]


async def count_doomed(conn: AsyncConnection, *, owner: bytes | None, before: datetime | None) -> DoomedCount:
    """Count the requests of an owner that were stored before a time. None means any."""
    cursor = conn.cursor(row_factory=class_row(DoomedCount))
    await cursor.execute(_COUNT_DOOMED, {"owner": owner, "before": before})
    return await cursor.fetchone() or DoomedCount(doomed=0, held=0)


async def set_hold(
    conn: AsyncConnection, *, request_pk: int, request_id: str, reason: str, held_by: str
) -> Hold | None:
    """Put a request on legal hold, or replace the reason of its hold."""
    cursor = conn.cursor(row_factory=class_row(Hold))
    values = {"request_pk": request_pk, "request_id": request_id, "reason": reason, "held_by": held_by}
    await cursor.execute(_SET_HOLD, values)
    return await cursor.fetchone()


async def lift_hold(conn: AsyncConnection, *, request_pk: int) -> bool:
    """Lift the legal hold of a request. Return whether it was on hold."""
    return await (await conn.execute(_LIFT_HOLD, {"request_pk": request_pk})).fetchone() is not None


async def list_holds(conn: AsyncConnection, *, limit: int, offset: int) -> list[Hold]:
    """List a page of the requests on legal hold, newest hold first."""
    cursor = conn.cursor(row_factory=class_row(Hold))
    await cursor.execute(_LIST_HOLDS, {"limit": limit, "offset": offset})
    return await cursor.fetchall()


async def delete_requests(conn: AsyncConnection, *, ids: list[int], deleted_by: str, reason: str) -> list[Deletion]:
    """Delete requests and everything that refers to them, and write a receipt of each."""
    cursor = conn.cursor(row_factory=class_row(Deletion))
    await cursor.execute(_DELETE_REQUESTS, {"ids": ids, "deleted_by": deleted_by, "reason": reason})
    return await cursor.fetchall()


async def delete_collections_of(conn: AsyncConnection, *, owner: bytes) -> int:
    """Delete a user's collections, and return their number."""
    return len(await (await conn.execute(_DELETE_COLLECTIONS_OF, {"owner": owner})).fetchall())


async def delete_unused_mods(conn: AsyncConnection) -> None:
    """Delete mods and handlers that no trace uses any more. Waits for traces that are being stored."""
    await conn.execute(_LOCK_MODS)
    await conn.execute(_DELETE_UNUSED_BLOCKS)
    await conn.execute(_DELETE_UNUSED_MODS)


async def list_deletions(
    conn: AsyncConnection, *, request_sha256: bytes | None, limit: int, offset: int
) -> list[Deletion]:
    """List a page of the receipts, newest first, of all requests or of one."""
    cursor = conn.cursor(row_factory=class_row(Deletion))
    values = {"request_sha256": request_sha256, "limit": limit, "offset": offset}
    await cursor.execute(_LIST_DELETIONS, values)
    return await cursor.fetchall()
