"""/collections and /logs/{id}/collections: named sets of requests."""

from typing import Any

from fastapi import APIRouter, Response
from pydantic import BaseModel

from core.collections.collection import (
    Collection,
    CollectionChange,
    NewCollection,
    change_collection,
    create_collection,
    delete_collection,
    list_collections,
    read_collection,
)
from core.collections.members import (
    CollectionReference,
    Membership,
    Notes,
    add_member,
    add_to_collection,
    change_notes,
    list_collections_of,
    remove_from_collection,
    remove_member,
)
from core.collections.sharing import CollectionShare, publish_collection, unpublish_collection
from core.collections.store import MemberRow
from core.wire.page import DEFAULT_LIMIT, Limit, Offset
from functions.web.access import KeyDep
from functions.web.context import ContextDep
from functions.web.done import Done
from functions.web.query import RowId
from functions.web.scaling import Scaling
from functions.web.small_body import SmallBodyRoute

SCALING = Scaling(max_inputs=50, target_inputs=30, memory_mb=256)

OTHER_USER: dict[int | str, dict[str, Any]] = {
    409: {"description": "the collection is a user's, and the request is not that user's"}
}

router = APIRouter(tags=["collections"], route_class=SmallBodyRoute)


class Collections(BaseModel):
    """A page of the caller's collections, newest first."""

    collections: list[Collection]
    total: int
    limit: int
    offset: int


class ChangedCollection(BaseModel):
    """A collection after a change."""

    collection: Collection
    message: str


class OneCollection(BaseModel):
    """A collection and a page of its requests, most recently added first."""

    collection: Collection
    requests: list[MemberRow]
    total_requests: int
    limit: int
    offset: int


class ChangedMembership(BaseModel):
    """The result of a change of a request in a collection."""

    collection_id: int
    request_id: str
    message: str


class CollectionsOfRequest(BaseModel):
    """The caller's collections that contain a request."""

    request_id: str
    collections: list[Collection]
    message: str


@router.get("/collections")
async def get_collections(
    context: ContextDep, key: KeyDep, *, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0
) -> Collections:
    """List the caller's collections, newest first. Admins see all collections."""
    page, total = await list_collections(context.access, key, limit=limit, offset=offset)
    return Collections(collections=page, total=total, limit=limit, offset=offset)


@router.post(
    "/collections",
    status_code=201,
    responses={200: {"description": "the caller already has a collection of this name", "model": ChangedCollection}},
)
async def post_collection(
    response: Response, context: ContextDep, key: KeyDep, new: NewCollection
) -> ChangedCollection:
    """Create a collection. If the caller already has one of this name, return that one."""
    collection, is_new = await create_collection(context.access, key, new=new)
    response.status_code = 201 if is_new else 200
    return ChangedCollection(collection=collection, message="collection created" if is_new else "already exists")


@router.get("/collections/{collection_id}")
async def get_collection(
    context: ContextDep, key: KeyDep, collection_id: RowId, *, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0
) -> OneCollection:
    """Return a collection and a page of its requests, most recently added first."""
    collection, members = await read_collection(context.access, key, number=collection_id, limit=limit, offset=offset)
    return OneCollection(
        collection=collection,
        requests=members,
        total_requests=collection.request_count,
        limit=limit,
        offset=offset,
    )


@router.put(
    "/collections/{collection_id}",
    responses={409: {"description": "the owner has another collection of this name"}},
)
async def put_collection(
    context: ContextDep, key: KeyDep, collection_id: RowId, change: CollectionChange
) -> ChangedCollection:
    """Change the name or description of a collection."""
    collection = await change_collection(context.access, key, number=collection_id, change=change)
    return ChangedCollection(collection=collection, message="collection changed")


@router.delete("/collections/{collection_id}")
async def remove_collection(context: ContextDep, key: KeyDep, collection_id: RowId) -> Done:
    """Delete a collection. Its requests are kept."""
    await delete_collection(context.access, key, number=collection_id)
    return Done(id=collection_id, message="collection deleted")


@router.post("/collections/{collection_id}/requests", responses=OTHER_USER)
async def post_member(context: ContextDep, key: KeyDep, collection_id: RowId, new: Membership) -> ChangedMembership:
    """Add a request to a collection."""
    added = await add_member(context.access, key, number=collection_id, new=new)
    message = "added to collection" if added else "already in collection"
    return ChangedMembership(collection_id=collection_id, request_id=new.request_id, message=message)


@router.put("/collections/{collection_id}/requests")
async def put_notes(context: ContextDep, key: KeyDep, collection_id: RowId, change: Notes) -> ChangedMembership:
    """Replace the notes on a request in a collection."""
    changed = await change_notes(context.access, key, number=collection_id, change=change)
    message = "notes changed" if changed else "was not in collection"
    return ChangedMembership(collection_id=collection_id, request_id=change.request_id, message=message)


@router.delete("/collections/{collection_id}/requests")
async def delete_member(context: ContextDep, key: KeyDep, collection_id: RowId, given: Membership) -> ChangedMembership:
    """Remove a request from a collection."""
    removed = await remove_member(context.access, key, number=collection_id, request_id=given.request_id)
    message = "removed from collection" if removed else "was not in collection"
    return ChangedMembership(collection_id=collection_id, request_id=given.request_id, message=message)


@router.post("/collections/{collection_id}/public")
async def publish(context: ContextDep, key: KeyDep, collection_id: RowId) -> CollectionShare:
    """Create a share link: anyone who has it can read the collection and its logs. A repeat returns the same link."""
    return await publish_collection(context.access, key, number=collection_id)


@router.delete("/collections/{collection_id}/public")
async def unpublish(context: ContextDep, key: KeyDep, collection_id: RowId) -> CollectionShare:
    """Revoke the share link of a collection permanently. Publishing again creates a different link."""
    return await unpublish_collection(context.access, key, number=collection_id)


@router.get("/logs/{request_id}/collections")
async def get_collections_of_request(context: ContextDep, key: KeyDep, request_id: str) -> CollectionsOfRequest:
    """List the caller's collections that contain a request."""
    page = await list_collections_of(context.access, key, request_id=request_id)
    return CollectionsOfRequest(request_id=request_id, collections=page, message=f"in {len(page)} collections")


@router.post("/logs/{request_id}/collections", responses=OTHER_USER)
async def post_collection_of_request(
    context: ContextDep, key: KeyDep, request_id: str, new: CollectionReference
) -> CollectionsOfRequest:
    """Add a request to a collection."""
    page, added = await add_to_collection(context.access, key, request_id=request_id, new=new)
    message = "added to collection" if added else "already in collection"
    return CollectionsOfRequest(request_id=request_id, collections=page, message=message)


@router.delete("/logs/{request_id}/collections")
async def delete_collection_of_request(
    context: ContextDep, key: KeyDep, request_id: str, given: CollectionReference
) -> CollectionsOfRequest:
    """Remove a request from a collection."""
    page, removed = await remove_from_collection(context.access, key, request_id=request_id, number=given.collection_id)
    message = "removed from collection" if removed else "was not in collection"
    return CollectionsOfRequest(request_id=request_id, collections=page, message=message)
