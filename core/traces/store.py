"""Run the SQL of traces. Each function runs one statement; the caller owns the transaction."""

from typing import Any

from psycopg import AsyncConnection, AsyncCursor
from psycopg.rows import class_row
from pydantic import BaseModel, ConfigDict

from core.database.sql import load_query
from core.wire.timestamp import UtcMoment

_UPSERT_REQUEST = load_query("traces/upsert_request")
_FORGET_FORMER_OWNER = load_query("traces/forget_former_owner")
_DELETE_CHILDREN = load_query("traces/delete_children")
_WRITE_DOCUMENT = load_query("traces/write_document")
_WRITE_ARRAYS = load_query("traces/write_arrays")
_SHARE_MODS = load_query("traces/share_mods")
_INSERT_MODS = load_query("traces/insert_mods")
_INSERT_MOD_BLOCKS = load_query("traces/insert_mod_blocks")
_INSERT_MOD_CALLS = load_query("traces/insert_mod_calls")
_INSERT_MOD_LOGS = load_query("traces/insert_mod_logs")
_INSERT_ACTIONS = load_query("traces/insert_actions")
_GET_LOG = load_query("traces/get_log")
_COUNT_OUTDATED = load_query("traces/count_outdated")
_LOCK_OUTDATED = load_query("traces/lock_outdated")
_UPDATE_SCORES = load_query("traces/update_scores")
_FIND_OWNER = load_query("traces/find_owner")
_LOCK_REQUEST = load_query("traces/lock_request")
_GET_DOCUMENT = load_query("traces/get_document")


class Row(BaseModel):
    """One row of a result."""

    model_config = ConfigDict(frozen=True)


class StoredRequest(Row):
    """The result of an upsert. Revision 1 is a new request; a higher one replaced the previous revision."""

    id: int
    revision: int


class StoredLog(Row):
    """A request for one reader.

    Attributes:
        is_owned: whether the request belongs to the reader.
        version: the version of everything that this reader sees.
        document_version: the version of the document and of this view.
        is_known: whether the client has this version.
        format: the format of the document.
        document: one zstd frame; None if the client or the process already has the rendered log.
    """

    request_id: str
    id: int
    created_at: UtcMoment
    revision: int
    is_owned: bool
    user_key_label: str | None
    share_nonce: bytes | None
    is_public: bool
    favorited_by: list[str]
    tags: list[str]
    discussion_count: int
    version: str
    document_version: str
    is_known: bool
    format: int
    document: bytes | None


class Ownership(Row):
    """The owner of a request, None if it belongs to the admins, and whether the request is public."""

    user_key_hmac: bytes | None
    is_public: bool


class LockedRequest(Row):
    """The bigint id of a request, and its owner; None if it belongs to the admins."""

    id: int
    user_key_hmac: bytes | None


class OutdatedRow(Row):
    """A request that was scored by another version, with its document."""

    id: int
    request_id: str
    sequence_confidence: float | None
    format: int
    document: bytes


class StoredDocument(Row):
    """A document: its owner, its format, and the zstd frame that holds it."""

    user_key_hmac: bytes | None
    format: int
    document: bytes


async def upsert_request(conn: AsyncConnection, *, columns: dict[str, Any]) -> AsyncCursor[StoredRequest]:
    """Insert or replace a request, and increment its revision.

    Returns the cursor instead of the row, because fetching in a pipeline would wait for the server. The cursor has no
    row if the caller may not replace the existing request.
    """
    return await conn.cursor(row_factory=class_row(StoredRequest)).execute(_UPSERT_REQUEST, columns)


async def forget_former_owner(conn: AsyncConnection, *, request_id: str, owner: bytes | None) -> None:
    """Delete everything that people added to a request, if its owner changes."""
    await conn.execute(_FORGET_FORMER_OWNER, {"request_id": request_id, "owner": owner})


async def delete_children(conn: AsyncConnection, *, request_id: str) -> None:
    """Delete the previous revision's rows in the other tables."""
    await conn.execute(_DELETE_CHILDREN, {"request_id": request_id})


async def write_document(conn: AsyncConnection, *, request_id: str, columns: dict[str, Any]) -> None:
    """Insert or replace the compressed document."""
    await conn.execute(_WRITE_DOCUMENT, {"request_id": request_id, **columns})


async def write_arrays(conn: AsyncConnection, *, request_id: str, columns: dict[str, Any]) -> None:
    """Insert or replace the rows of `request_steps` and `step_logit_summaries`."""
    await conn.execute(_WRITE_ARRAYS, {"request_id": request_id, **columns})


async def share_mods(conn: AsyncConnection) -> None:
    """Prevent the deletion of mods and handlers until the transaction ends."""
    await conn.execute(_SHARE_MODS)


async def insert_mods(conn: AsyncConnection, *, columns: dict[str, Any]) -> None:
    """Insert the mods that don't exist yet, in a fixed order, so that two transactions can't deadlock."""
    await conn.execute(_INSERT_MODS, columns)


async def insert_mod_blocks(conn: AsyncConnection, *, columns: dict[str, Any]) -> None:
    """Insert the handlers that don't exist yet."""
    await conn.execute(_INSERT_MOD_BLOCKS, columns)


async def insert_mod_calls(conn: AsyncConnection, *, request_id: str, columns: dict[str, Any]) -> None:
    """Insert the rows of `mod_calls`."""
    await conn.execute(_INSERT_MOD_CALLS, {"request_id": request_id, **columns})


async def insert_mod_logs(conn: AsyncConnection, *, request_id: str, columns: dict[str, Any]) -> None:
    """Insert the rows of `mod_logs`."""
    await conn.execute(_INSERT_MOD_LOGS, {"request_id": request_id, **columns})


async def insert_actions(conn: AsyncConnection, *, request_id: str, columns: dict[str, Any]) -> None:
    """Insert the rows of `actions`."""
    await conn.execute(_INSERT_ACTIONS, {"request_id": request_id, **columns})


async def get_log(
    conn: AsyncConnection, *, request_id: str, owner: bytes | None, known: list[str], rendered: list[str]
) -> StoredLog | None:
    """Return a request for this owner; None if it does not exist, or the owner may not read it."""
    cursor = conn.cursor(row_factory=class_row(StoredLog), binary=True)
    await cursor.execute(_GET_LOG, {"request_id": request_id, "owner": owner, "known": known, "rendered": rendered})
    return await cursor.fetchone()


async def get_document(conn: AsyncConnection, *, request_id: str, owner: bytes | None) -> StoredDocument | None:
    """Return a document; None if it does not exist, or the owner may not read it."""
    cursor = conn.cursor(row_factory=class_row(StoredDocument), binary=True)
    await cursor.execute(_GET_DOCUMENT, {"request_id": request_id, "owner": owner})
    return await cursor.fetchone()


async def find_owner(conn: AsyncConnection, *, request_id: str) -> Ownership | None:
    """Return the owner of a request; None if the request does not exist."""
    cursor = conn.cursor(row_factory=class_row(Ownership))
    await cursor.execute(_FIND_OWNER, {"request_id": request_id})
    return await cursor.fetchone()


async def lock_request(conn: AsyncConnection, *, request_id: str) -> LockedRequest | None:
    """Lock a request until the transaction ends, so that neither it nor its owner changes; None if it is missing."""
    cursor = conn.cursor(row_factory=class_row(LockedRequest))
    await cursor.execute(_LOCK_REQUEST, {"request_id": request_id})
    return await cursor.fetchone()


async def hold_request(conn: AsyncConnection, *, request_id: str) -> None:
    """Lock a request without waiting for the result, in a pipeline. Later statements see all earlier additions."""
    await conn.execute(_LOCK_REQUEST, {"request_id": request_id})


async def count_outdated(conn: AsyncConnection, *, version: int, everything: bool) -> int:
    """Count the requests that were scored by another version, or all requests."""
    cursor = await conn.execute(_COUNT_OUTDATED, {"version": version, "everything": everything})
    row = await cursor.fetchone()
    return int(row[0]) if row else 0


async def lock_outdated(
    conn: AsyncConnection, *, version: int, everything: bool, after_id: int, limit: int
) -> list[OutdatedRow]:
    """Lock the next requests that were scored by another version, or by any version."""
    cursor = conn.cursor(row_factory=class_row(OutdatedRow), binary=True)
    await cursor.execute(
        _LOCK_OUTDATED, {"version": version, "everything": everything, "after_id": after_id, "limit": limit}
    )
    return await cursor.fetchall()


async def update_scores(conn: AsyncConnection, *, columns: dict[str, Any]) -> None:
    """Replace the stored scores of a request."""
    await conn.execute(_UPDATE_SCORES, columns)
