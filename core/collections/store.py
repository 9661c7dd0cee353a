"""The statements of collections, and the types of their rows."""

from core.database.query import Row, query
from core.wire.timestamp import UtcMoment

TEXT_CHARACTERS = 65_536
"""Maximum length of each text on a page, so that a page fits into a container's memory."""


class LockedCollection(Row):
    """A locked collection. The nonce is None if it is not public."""

    share_nonce: bytes | None


class CollectionRow(Row):
    """A collection with its number of requests."""

    id: int
    name: str
    description: str | None
    created_at: UtcMoment
    updated_at: UtcMoment
    created_by: str | None
    share_nonce: bytes | None
    request_count: int


class InsertedRow(CollectionRow):
    """A collection, and whether the statement created it."""

    is_new: bool


class SharedCollection(Row):
    """A collection as the readers of its link see it."""

    id: int
    name: str
    description: str | None
    created_at: UtcMoment
    request_count: int


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


LIST_COLLECTIONS = query("collections/list_collections", CollectionRow)
COUNT_COLLECTIONS = query("collections/count_collections", int)
GET_COLLECTION = query("collections/get_collection", CollectionRow)
GET_SHARED_COLLECTION = query("collections/get_shared_collection", SharedCollection)
LOCK_COLLECTION = query("collections/lock_collection", LockedCollection)
INSERT_COLLECTION = query("collections/insert_collection", InsertedRow)
UPDATE_COLLECTION = query("collections/update_collection")
DELETE_COLLECTION = query("collections/delete_collection")
SET_SHARE = query("collections/set_share")
LIST_MEMBERS = query("collections/list_members", MemberRow)
ADD_MEMBER = query("collections/add_member", AddedRow)
SET_NOTES = query("collections/set_notes", int)
REMOVE_MEMBER = query("collections/remove_member", int)
