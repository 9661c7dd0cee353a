"""Create, list, change and delete collections.

A user's collections belong to that user. Collections made by admins belong to all admins, who see every collection.
"""

from datetime import datetime
from typing import Annotated, TypeVar

from pydantic import Field, StringConstraints

from core.access.access import Access
from core.access.caller import ForbiddenError, Scope
from core.access.hasher import Hasher
from core.access.session import Session
from core.audit.store import Action
from core.collections import store
from core.collections.store import TEXT_CHARACTERS, CollectionRow, LockedCollection, MemberRow
from core.database.pool import retry_read
from core.database.reading import together
from core.errors import NotFoundError
from core.wire.json_text import to_column_text
from core.wire.models import Body, Frozen

SHARED = "collection"
"""The kind of share token that collections have."""

Row = TypeVar("Row", LockedCollection, CollectionRow)
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Text = Annotated[str, Field(max_length=10_000)]
Who = Annotated[str, Field(max_length=1000)]


class NewCollection(Body):
    """A new collection."""

    name: Name
    description: Text | None = None
    created_by: Who | None = None


class CollectionChange(Body):
    """Changes to a collection. Omitted fields keep their value. A null description removes it."""

    name: Name | None = None
    description: Text | None = None


class Collection(Frozen):
    """A collection as its owner sees it."""

    id: int
    name: str
    description: str | None
    created_at: datetime
    updated_at: datetime
    created_by: str | None
    is_public: bool
    public_token: str | None
    request_count: int


@retry_read
async def list_collections(access: Access, key: str | None, *, limit: int, offset: int) -> tuple[list[Collection], int]:
    """List a page of the caller's collections, newest first, with the total."""
    async with access.session(key, Scope.READ) as session:
        owner = session.caller.owner_filter
        rows, total = await together(
            session.conn,
            store.LIST_COLLECTIONS.fetch_all(session.conn, owner=owner, request_id=None, limit=limit, offset=offset),
            store.COUNT_COLLECTIONS.fetch_only(session.conn, owner=owner),
        )
    return [to_collection(row, session.hasher) for row in rows], total


async def create_collection(access: Access, key: str | None, *, new: NewCollection) -> tuple[Collection, bool]:
    """Create a collection. If the caller has one with this name, return it unchanged, and False.

    Raises:
        ForbiddenError: the key is neither bound to a user nor an admin's.
    """
    async with access.session(key, Scope.CURATE) as session:
        if session.caller.owner is None and not session.caller.is_admin:
            raise ForbiddenError("key: not bound to a user; use a user API key or a bound key")
        row = await store.INSERT_COLLECTION.fetch_only(
            session.conn,
            name=await session.resolve_text(to_column_text(new.name)) or "",
            description=await session.resolve_text(to_column_text(new.description)),
            created_by=await resolve_author(session, new.created_by),
            owner=None if session.caller.is_admin else session.caller.owner,
        )
    return to_collection(row, session.hasher), row.is_new


@retry_read
async def read_collection(
    access: Access, key: str | None, *, number: int, limit: int, offset: int
) -> tuple[Collection, list[MemberRow]]:
    """Read a collection and a page of its requests, last added first.

    Raises:
        NotFoundError: no such collection, or it belongs to another user.
    """
    async with access.session(key, Scope.READ) as session:
        owner = session.caller.owner_filter
        found, members = await together(
            session.conn,
            store.GET_COLLECTION.fetch_one(session.conn, id=number, owner=owner),
            store.LIST_MEMBERS.fetch_all(
                session.conn, id=number, owner=owner, limit=limit, offset=offset, characters=TEXT_CHARACTERS
            ),
        )
        row = require_own(found, number)
    return to_collection(row, session.hasher), members


async def change_collection(access: Access, key: str | None, *, number: int, change: CollectionChange) -> Collection:
    """Change the name or description of a collection.

    Raises:
        NotFoundError: no such collection, or it belongs to another user.
        TakenError: the owner has another collection with this name.
    """
    async with access.session(key, Scope.CURATE) as session:
        await lock_own(session, number)
        if change.model_fields_set:
            await _update(session, number, change)
        row = await store.GET_COLLECTION.fetch_one(session.conn, id=number, owner=session.caller.owner_filter)
    return to_collection(require_own(row, number), session.hasher)


async def _update(session: Session, number: int, change: CollectionChange) -> None:
    await store.UPDATE_COLLECTION.execute(
        session.conn,
        id=number,
        name=await session.resolve_text(to_column_text(change.name)),
        description=await session.resolve_text(to_column_text(change.description)),
        sets_description="description" in change.model_fields_set,
    )


async def delete_collection(access: Access, key: str | None, *, number: int) -> None:
    """Delete a collection. Its requests stay, and its link stops working.

    Raises:
        NotFoundError: no such collection, or it belongs to another user.
    """
    async with access.session(key, Scope.CURATE) as session:
        await lock_own(session, number)
        await store.DELETE_COLLECTION.execute(session.conn, id=number)
        await session.note(Action.DELETE_COLLECTION, f"collection:{number}")


async def lock_own(session: Session, number: int) -> LockedCollection:
    """Lock one of the caller's collections until the transaction ends.

    Raises:
        NotFoundError: no such collection, or it belongs to another user.
    """
    owner = session.caller.owner_filter
    return require_own(await store.LOCK_COLLECTION.fetch_one(session.conn, id=number, owner=owner), number)


def require_own(row: Row | None, number: int) -> Row:
    """Return the collection that a statement found. A missing one and one of another user give the same error.

    Raises:
        NotFoundError: no such collection, or it belongs to another user.
    """
    if row is None:
        raise missing_collection_error(number)
    return row


def missing_collection_error(number: int) -> NotFoundError:
    """Return the error for a collection that is missing or belongs to another user."""
    return NotFoundError(f"collection_id: there is no collection {number}; list yours with GET /collections")


async def resolve_author(session: Session, given: str | None) -> str:
    """Return the given author, with a label in place of a key, or the caller's name if none was given."""
    return await session.resolve_name(to_column_text(given or None)) or session.caller.name


def to_collection(row: CollectionRow, hasher: Hasher) -> Collection:
    """Convert a row to the collection its owner sees, with the link if it is public."""
    token = None if row.share_nonce is None else hasher.recover_share_token(SHARED, row.id, row.share_nonce)
    shown = row.model_dump(include=set(Collection.model_fields) & set(CollectionRow.model_fields))
    return Collection(**shown, is_public=token is not None, public_token=token)
