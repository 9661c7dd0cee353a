"""The SQL of collections. Each function runs one statement; the caller owns the transaction."""

from psycopg import AsyncConnection
from psycopg.rows import class_row
from pydantic import BaseModel, ConfigDict

from core.access.session import StorableText
from core.database.sql import load_query
from core.wire.timestamp import UtcMoment

TEXT_CHARACTERS = 65_536
"""Maximum length of each text on a page, so that a page fits into a container's memory."""

_LIST_COLLECTIONS = load_query("collections/list_collections")
_LIST_COLLECTIONS_OF_REQUEST = load_query("collections/list_collections_of_request")
_GET_COLLECTION = load_query("collections/get_collection")
_GET_SHARED_COLLECTION = load_query("collections/get_shared_collection")
_LOCK_COLLECTION = load_query("collections/lock_collection")
_INSERT_COLLECTION = load_query("collections/insert_collection")
_UPDATE_COLLECTION = load_query("collections/update_collection")
_DELETE_COLLECTION = load_query("collections/delete_collection")
_SET_SHARE = load_query("collections/set_share")
_LIST_MEMBERS = load_query("collections/list_members")
_ADD_MEMBER = load_query("collections/add_member")
_REMOVE_MEMBER = load_query("collections/remove_member")


class Row(BaseModel):
    """A result row."""

    model_config = ConfigDict(frozen=True)


class LockedCollection(Row):
    """A locked collection. The owner is None if it belongs to the admins. The nonce is None if it is not public."""

    id: int
    user_key_hmac: bytes | None
    share_nonce: bytes | None


class CollectionRow(Row):
    """A collection with its number of requests. The owner is None if it belongs to the admins."""

    id: int
    name: str
    description: str | None
    created_at: UtcMoment
    updated_at: UtcMoment
    created_by: str | None
    user_key_hmac: bytes | None
    share_nonce: bytes | None
    request_count: int


class InsertedRow(CollectionRow):
    """A collection, and whether the statement created it."""

    is_new: bool


class ListedRow(Row):
    """A collection of a page, with the total. All fields but the total are None if the page is empty."""

    id: int | None
    name: str | None
    description: str | None
    created_at: UtcMoment | None
    updated_at: UtcMoment | None
    created_by: str | None
    user_key_hmac: bytes | None
    share_nonce: bytes | None
    request_count: int | None
    total: int

    @property
    def collection(self) -> CollectionRow | None:
        """The collection, or None if the page is empty."""
        return None if self.id is None else CollectionRow.model_validate(self.model_dump())


class MemberRow(Row):
    """A request in a collection."""

    request_id: str
    added_at: UtcMoment
    added_by: str | None
    notes: str | None
    created_ts: UtcMoment
    finished_ts: UtcMoment | None
    model_id: str | None
    final_text: str | None


class AddedRow(Row):
    """The outcome of adding a request to a collection.

    Attributes:
        has_collection: whether the owner has the collection.
        has_request: whether the owner has the request.
        may_hold: whether the collection may contain the request. A user's collection can't contain another user's.
        is_added: whether the request was added. False if it was already there.
    """

    has_collection: bool
    has_request: bool
    may_hold: bool
    is_added: bool


async def list_collections(
    conn: AsyncConnection, *, owner: bytes | None, limit: int, offset: int
) -> tuple[list[CollectionRow], int]:
    """List a page of an owner's collections, newest first, with the total. An owner of None selects all collections."""
    cursor = conn.cursor(row_factory=class_row(ListedRow))
    await cursor.execute(_LIST_COLLECTIONS, {"owner": owner, "limit": limit, "offset": offset})
    rows = await cursor.fetchall()
    return [row.collection for row in rows if row.collection], rows[0].total


async def list_collections_of_request(
    conn: AsyncConnection, *, request_id: str, owner: bytes | None, limit: int
) -> list[CollectionRow]:
    """List an owner's collections that contain a request. An owner of None selects all collections."""
    cursor = conn.cursor(row_factory=class_row(CollectionRow))
    await cursor.execute(_LIST_COLLECTIONS_OF_REQUEST, {"request_id": request_id, "owner": owner, "limit": limit})
    return await cursor.fetchall()


async def get_collection(conn: AsyncConnection, *, row_id: int) -> CollectionRow | None:
    """Get a collection. Returns None if there is no such collection."""
    cursor = conn.cursor(row_factory=class_row(CollectionRow))
    await cursor.execute(_GET_COLLECTION, {"id": row_id})
    return await cursor.fetchone()


async def get_shared_collection(conn: AsyncConnection, *, token_hash: bytes) -> CollectionRow | None:
    """Get the collection that a live share token opens."""
    cursor = conn.cursor(row_factory=class_row(CollectionRow))
    await cursor.execute(_GET_SHARED_COLLECTION, {"token_hash": token_hash})
    return await cursor.fetchone()


async def lock_collection(conn: AsyncConnection, *, row_id: int) -> LockedCollection | None:
    """Lock a collection until the transaction ends. Returns None if there is no such collection."""
    cursor = conn.cursor(row_factory=class_row(LockedCollection))
    await cursor.execute(_LOCK_COLLECTION, {"id": row_id})
    return await cursor.fetchone()


async def insert_collection(
    conn: AsyncConnection, *, name: str, description: str | None, created_by: str | None, owner: bytes | None
) -> InsertedRow | None:
    """Insert a collection, or return the owner's existing collection with this name."""
    cursor = conn.cursor(row_factory=class_row(InsertedRow))
    values = {"name": name, "description": description, "created_by": created_by, "owner": owner}
    await cursor.execute(_INSERT_COLLECTION, values)
    return await cursor.fetchone()


async def update_collection(
    conn: AsyncConnection, *, row_id: int, name: str | None, description: str | None, sets_description: bool
) -> CollectionRow | None:
    """Change a collection. A name of None keeps the current one."""
    cursor = conn.cursor(row_factory=class_row(CollectionRow))
    values = {"id": row_id, "name": name, "description": description, "sets_description": sets_description}
    await cursor.execute(_UPDATE_COLLECTION, values)
    return await cursor.fetchone()


async def delete_collection(conn: AsyncConnection, *, row_id: int) -> None:
    """Delete a collection. Its requests stay."""
    await conn.execute(_DELETE_COLLECTION, {"id": row_id})


async def set_share(conn: AsyncConnection, *, row_id: int, nonce: bytes | None, token_hash: bytes | None) -> None:
    """Publish a collection, or with None values revoke its link."""
    await conn.execute(_SET_SHARE, {"id": row_id, "nonce": nonce, "token_hash": token_hash})


async def list_members(conn: AsyncConnection, *, row_id: int, limit: int, offset: int) -> list[MemberRow]:
    """List a page of a collection's requests, last added first."""
    cursor = conn.cursor(row_factory=class_row(MemberRow))
    values = {"id": row_id, "limit": limit, "offset": offset, "characters": TEXT_CHARACTERS}
    await cursor.execute(_LIST_MEMBERS, values)
    return await cursor.fetchall()


async def add_member(  # noqa: PLR0913 - the columns of a membership
    conn: AsyncConnection,
    *,
    row_id: int,
    request_id: str,
    owner: bytes | None,
    added_by: StorableText,
    notes: StorableText,
) -> AddedRow:
    """Add an owner's request to one of the owner's collections."""
    cursor = conn.cursor(row_factory=class_row(AddedRow))
    values = {"id": row_id, "request_id": request_id, "owner": owner}
    await cursor.execute(_ADD_MEMBER, {**values, **added_by.bind("added_by_"), **notes.bind("notes_")})
    (row,) = await cursor.fetchall()
    return row


async def remove_member(conn: AsyncConnection, *, row_id: int, request_id: str) -> bool:
    """Remove a request from a collection. Returns False if it is not there."""
    cursor = await conn.execute(_REMOVE_MEMBER, {"id": row_id, "request_id": request_id})
    return await cursor.fetchone() is not None
