"""/collections and /logs/{id}/collections: named sets of requests."""

from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
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
    Membership,
    MembershipOf,
    add_member,
    add_to_collection,
    list_collections_of,
    remove_from_collection,
    remove_member,
)
from core.collections.sharing import CollectionShare, publish_collection, unpublish_collection
from core.collections.store import MemberRow
from core.wire.page import DEFAULT_LIMIT, clamp_page
from functions.web.access import KeyDep
from functions.web.application import build_app
from functions.web.body import describe_body, read_model
from functions.web.context import ContextDep
from functions.web.query import RowId
from functions.web.scaling import Scaling

SCALING = Scaling(max_inputs=50, target_inputs=30, memory_mb=256)

OTHER_USER: dict[int | str, dict[str, Any]] = {
    409: {"description": "the collection is a user's, and the request is not that user's"}
}

router = APIRouter(tags=["collections"])


class Collections(BaseModel):
    """A page of the caller's collections, newest first."""

    collections: list[Collection]
    total: int
    limit: int
    offset: int


class ChangedCollection(BaseModel):
    """A collection as it is now."""

    collection: Collection
    message: str


class OneCollection(BaseModel):
    """A collection and a page of its requests, the last added first."""

    collection: Collection
    requests: list[MemberRow]
    total_requests: int
    limit: int
    offset: int


class DeletedCollection(BaseModel):
    """The number of a collection that is gone."""

    id: int
    message: str


class ChangedMembership(BaseModel):
    """What became of a request in a collection."""

    collection_id: int
    request_id: str
    message: str


class CollectionsOfRequest(BaseModel):
    """Those of the caller's collections that have a request."""

    request_id: str
    collections: list[Collection]
    message: str


@router.get("/collections")
async def get_collections(
    context: ContextDep, key: KeyDep, *, limit: int = DEFAULT_LIMIT, offset: int = 0
) -> Collections:
    """The caller's collections; an admin's are all there are."""
    limit, offset = clamp_page(limit, offset)
    page, total = await list_collections(context.access, key, limit=limit, offset=offset)
    return Collections(collections=page, total=total, limit=limit, offset=offset)


@router.post(
    "/collections",
    status_code=201,
    openapi_extra=describe_body(NewCollection),
    responses={200: {"description": "there is one of this name", "model": ChangedCollection}},
)
async def post_collection(request: Request, response: Response, context: ContextDep, key: KeyDep) -> ChangedCollection:
    """Make a collection; the name of one that the caller has answers that one."""
    await context.access.admit(key)
    new = await read_model(request, NewCollection)
    collection, is_new = await create_collection(context.access, key, new=new)
    response.status_code = 201 if is_new else 200
    return ChangedCollection(collection=collection, message="collection made" if is_new else "already exists")


@router.get("/collections/{collection_id}")
async def get_collection(
    context: ContextDep, key: KeyDep, collection_id: RowId, *, limit: int = DEFAULT_LIMIT, offset: int = 0
) -> OneCollection:
    """A collection and its requests."""
    limit, offset = clamp_page(limit, offset)
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
    openapi_extra=describe_body(CollectionChange),
    responses={409: {"description": "the owner has another collection of this name"}},
)
async def put_collection(request: Request, context: ContextDep, key: KeyDep, collection_id: RowId) -> ChangedCollection:
    """Rename or describe a collection."""
    await context.access.admit(key)
    change = await read_model(request, CollectionChange)
    collection = await change_collection(context.access, key, number=collection_id, change=change)
    return ChangedCollection(collection=collection, message="collection changed")


@router.delete("/collections/{collection_id}")
async def remove_collection(context: ContextDep, key: KeyDep, collection_id: RowId) -> DeletedCollection:
    """Delete a collection; its requests stay."""
    await delete_collection(context.access, key, number=collection_id)
    return DeletedCollection(id=collection_id, message="collection deleted")


@router.post("/collections/{collection_id}/requests", openapi_extra=describe_body(Membership), responses=OTHER_USER)
async def post_member(request: Request, context: ContextDep, key: KeyDep, collection_id: RowId) -> ChangedMembership:
    """Put a request into a collection."""
    await context.access.admit(key)
    new = await read_model(request, Membership)
    added = await add_member(context.access, key, number=collection_id, new=new)
    message = "added to collection" if added else "already in collection"
    return ChangedMembership(collection_id=collection_id, request_id=new.request_id, message=message)


@router.delete("/collections/{collection_id}/requests", openapi_extra=describe_body(Membership))
async def delete_member(request: Request, context: ContextDep, key: KeyDep, collection_id: RowId) -> ChangedMembership:
    """Take a request out of a collection."""
    await context.access.admit(key)
    given = await read_model(request, Membership)
    removed = await remove_member(context.access, key, number=collection_id, request_id=given.request_id)
    message = "removed from collection" if removed else "was not in collection"
    return ChangedMembership(collection_id=collection_id, request_id=given.request_id, message=message)


@router.post("/collections/{collection_id}/public")
async def publish(context: ContextDep, key: KeyDep, collection_id: RowId) -> CollectionShare:
    """Make a collection and the logs in it public to whoever has the link. A repeat answers the same link."""
    return await publish_collection(context.access, key, number=collection_id)


@router.delete("/collections/{collection_id}/public")
async def unpublish(context: ContextDep, key: KeyDep, collection_id: RowId) -> CollectionShare:
    """Take the link back, for good: publishing again makes another."""
    return await unpublish_collection(context.access, key, number=collection_id)


@router.get("/logs/{request_id}/collections")
async def get_collections_of_request(context: ContextDep, key: KeyDep, request_id: str) -> CollectionsOfRequest:
    """The caller's collections that have a request."""
    page = await list_collections_of(context.access, key, request_id=request_id)
    return CollectionsOfRequest(request_id=request_id, collections=page, message=f"in {len(page)} collections")


@router.post("/logs/{request_id}/collections", openapi_extra=describe_body(MembershipOf), responses=OTHER_USER)
async def post_collection_of_request(
    request: Request, context: ContextDep, key: KeyDep, request_id: str
) -> CollectionsOfRequest:
    """Put a request into a collection."""
    await context.access.admit(key)
    new = await read_model(request, MembershipOf)
    page, added = await add_to_collection(context.access, key, request_id=request_id, new=new)
    message = "added to collection" if added else "already in collection"
    return CollectionsOfRequest(request_id=request_id, collections=page, message=message)


@router.delete("/logs/{request_id}/collections", openapi_extra=describe_body(MembershipOf))
async def delete_collection_of_request(
    request: Request, context: ContextDep, key: KeyDep, request_id: str
) -> CollectionsOfRequest:
    """Take a request out of a collection."""
    await context.access.admit(key)
    given = await read_model(request, MembershipOf)
    page, removed = await remove_from_collection(context.access, key, request_id=request_id, number=given.collection_id)
    message = "removed from collection" if removed else "was not in collection"
    return CollectionsOfRequest(request_id=request_id, collections=page, message=message)


def web() -> FastAPI:
    """The ASGI application of this endpoint."""
    return build_app(router)
