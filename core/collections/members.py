"""The requests in a collection.

A user's collection contains only that user's requests. An admin collection contains any. Adding a request locks it, so
its owner cannot change in the meantime. A request that changes owner leaves all collections (core.traces.ingest).
"""

from typing import Annotated

from pydantic import Field

from core.access.access import Access
from core.access.caller import Scope
from core.access.session import Session, StorableText
from core.collections import store
from core.collections.collection import Collection, Text, Who, lock_own, missing_collection_error, to_collection
from core.collections.store import AddedRow
from core.database.pool import retry_read
from core.database.reading import together
from core.errors import ThunderError
from core.traces.own_request import hidden_error, is_own_request, require_own_request
from core.wire.json_text import to_column_text, to_storable_id
from core.wire.models import Body

MAX_COLLECTIONS_SHOWN = 1000

Number = Annotated[int, Field(ge=1, le=2**63 - 1)]


class OtherUserError(ThunderError):
    """The collection and the request belong to different users."""

    status = 409


class Membership(Body):
    """A request to add to or remove from a collection."""

    request_id: Annotated[str, Field(min_length=1, max_length=512)]
    added_by: Who | None = None
    notes: Text | None = None


class Notes(Body):
    """New notes on a request in a collection; null removes them."""

    request_id: Annotated[str, Field(min_length=1, max_length=512)]
    notes: Text | None


class CollectionReference(Body):
    """A collection to add a request to or remove it from."""

    collection_id: Number
    added_by: Who | None = None
    notes: Text | None = None


async def add_member(access: Access, key: str | None, *, number: int, new: Membership) -> bool:
    """Add a request to a collection. Returns False if it is already there.

    Raises:
        NotFoundError: no such collection or request, or it belongs to another user.
        OtherUserError: the collection and the request belong to different users.
    """
    async with access.session(key, Scope.CURATE) as session:
        return _require_added(session, await _add(session, number, new), number, new.request_id)


async def remove_member(access: Access, key: str | None, *, number: int, request_id: str) -> bool:
    """Remove a request from a collection. Returns False if it is not there.

    Raises:
        NotFoundError: no such collection, or it belongs to another user.
    """
    async with access.session(key, Scope.CURATE) as session:
        return await _remove(session, number, request_id)


async def change_notes(access: Access, key: str | None, *, number: int, change: Notes) -> bool:
    """Replace the notes on a request in a collection. Returns False if the request is not in it.

    Raises:
        NotFoundError: no such collection, or it belongs to another user.
    """
    async with access.session(key, Scope.CURATE) as session:
        await lock_own(session, number)
        notes = await session.resolve_text(to_column_text(change.notes))
        request_id = to_storable_id(change.request_id)
        return await store.SET_NOTES.fetch_one(session.conn, id=number, request_id=request_id, notes=notes) is not None


@retry_read
async def list_collections_of(access: Access, key: str | None, *, request_id: str) -> list[Collection]:
    """List the caller's collections that contain a request. Empty for another user's public request.

    Raises:
        UnauthorizedError: the request is not public, and there is no live key.
        NotFoundError: no such request, or the caller may not see it.
    """
    async with access.session(key, Scope.READ, public=True) as session:
        if not await is_own_request(session, request_id):
            return []
        return await _list_of(session, request_id)


async def add_to_collection(
    access: Access, key: str | None, *, request_id: str, new: CollectionReference
) -> tuple[list[Collection], bool]:
    """Add a request to a collection and list the collections that contain it. False: it was already there.

    Raises:
        NotFoundError: no such collection or request, or it belongs to another user.
        OtherUserError: the collection and the request belong to different users.
    """
    async with access.session(key, Scope.CURATE) as session:
        membership = Membership(request_id=request_id, added_by=new.added_by, notes=new.notes)
        row, listed = await together(
            session.conn, _add(session, new.collection_id, membership), _list_of(session, request_id)
        )
        if not row.has_request:
            raise hidden_error(session.caller, request_id)
        return listed, _require_added(session, row, new.collection_id, request_id)


async def remove_from_collection(
    access: Access, key: str | None, *, request_id: str, number: int
) -> tuple[list[Collection], bool]:
    """Remove a request from a collection and list the collections that still contain it. False: it was not there.

    Raises:
        NotFoundError: no such collection or request, or it belongs to another user.
    """
    async with access.session(key, Scope.CURATE) as session:
        await require_own_request(session, request_id)
        removed = await _remove(session, number, request_id)
        return await _list_of(session, request_id), removed


async def _add(session: Session, number: int, new: Membership) -> AddedRow:
    added_by = session.mask_name(to_column_text(new.added_by)) if new.added_by else StorableText(session.caller.name)
    return await store.ADD_MEMBER.fetch_only(
        session.conn,
        id=number,
        request_id=to_storable_id(new.request_id),
        owner=session.caller.owner_filter,
        added_by=added_by,
        notes=session.mask_text(to_column_text(new.notes)),
    )


def _require_added(session: Session, row: AddedRow, number: int, request_id: str) -> bool:
    """Return whether the request was added. False: it was already there."""
    if not row.has_collection:
        raise missing_collection_error(number)
    if not row.has_request:
        raise hidden_error(session.caller, request_id)
    if not row.may_hold:
        raise OtherUserError(
            "request_id: its owner is not the owner of the collection; use a collection of the request's owner"
        )
    return row.is_added


async def _remove(session: Session, number: int, request_id: str) -> bool:
    await lock_own(session, number)
    removed = await store.REMOVE_MEMBER.fetch_one(session.conn, id=number, request_id=to_storable_id(request_id))
    return removed is not None


async def _list_of(session: Session, request_id: str) -> list[Collection]:
    rows = await store.LIST_COLLECTIONS.fetch_all(
        session.conn,
        owner=session.caller.owner_filter,
        request_id=to_storable_id(request_id),
        limit=MAX_COLLECTIONS_SHOWN,
        offset=0,
    )
    return [to_collection(row, session.hasher) for row in rows]
