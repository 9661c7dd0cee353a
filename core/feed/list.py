"""List a page of the caller's requests, in one query."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from typing import Any

import orjson
import psycopg

from core.access.access import Access
from core.access.caller import Scope
from core.access.session import Session, StorableText
from core.collections.collection import require_own
from core.collections.store import GET_COLLECTION
from core.database.pool import retry_read
from core.database.query import Query
from core.database.reading import together
from core.errors import InvalidInputError
from core.feed import store
from core.feed.filters import Cursor, Sort
from core.feed.store import ListedRow, UserRow
from core.traces.filters import NO_FILTERS, Filters

MAX_USERS = 1000
VERSION_DIGITS = 32
ANY_VERSION = "*"
"""The value of If-None-Match that matches any version."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the feed.

    Attributes:
        rows: None if the client has this version of them.
        next_cursor: None on the last page.
        version: a version of everything that the page shows, for an ETag.
    """

    rows: list[ListedRow] | None
    next_cursor: str | None
    version: str


@retry_read
async def list_requests(  # noqa: PLR0913 - each is a query parameter of the feed
    access: Access,
    key: str | None,
    *,
    limit: int,
    offset: int,
    user_key: str | None = None,
    filters: Filters = NO_FILTERS,
    collection: int | None = None,
    sort: Sort = Sort.CREATED,
    cursor: str | None = None,
    known: Collection[str] = (),
) -> Page:
    """List a page of the caller's requests; `user_key` (the key or its label) narrows it to one user's.

    Raises:
        InvalidInputError: the cursor is not valid, or comes with an offset.
        NotFoundError: the collection does not exist, or belongs to another user.
    """
    if cursor is not None and offset:
        raise InvalidInputError("offset: can't be combined with cursor; send one of them")
    after = None if cursor is None else Cursor.read(cursor, sort)
    async with access.session(key, Scope.READ) as session:
        owner = session.caller.owner_filter
        if user_key is not None:
            user = await session.resolve_owner(user_key)
            if user is None or not session.caller.may_see(user):
                return _make_page([], limit, sort)
            owner = user
        # An extra row shows whether there is a next page.
        page = {"limit": limit + 1, "offset": offset, **_position_after(after)}
        storable = session.mask_name(filters.favorited_by)
        wanted = filters._replace(owner=owner, favorited_by=storable.text)
        parameters = {"collection_id": collection, **page}
        read = partial(_read_page, session, parameters=parameters, sort=sort, known=known)
        if collection is None and storable.key_hash is None:
            return await read(wanted)
        name, found = await together(session.conn, _look_up(session, storable, collection), read(wanted))
        return found if name == storable.text else await read(wanted._replace(favorited_by=name))


async def _look_up(session: Session, storable: StorableText, collection: int | None) -> str | None:
    """Refuse a collection that is not the caller's, and resolve the name for the `favorited_by` filter."""
    if collection is not None:
        owner = session.caller.owner_filter
        require_own(await GET_COLLECTION.fetch_one(session.conn, id=collection, owner=owner), collection)
    return await session.look_up(storable)


async def _read_page(
    session: Session, filters: Filters, *, parameters: dict[str, Any], sort: Sort, known: Collection[str]
) -> Page:
    limit = parameters["limit"] - 1
    if known:
        brief = _make_page(await _fetch(session, sort, filters, {**parameters, "brief": True}), limit, sort)
        if not {brief.version, ANY_VERSION}.isdisjoint(known):
            return replace(brief, rows=None)
    return _make_page(await _fetch(session, sort, filters, {**parameters, "brief": False}), limit, sort)


async def _fetch(session: Session, sort: Sort, filters: Filters, parameters: dict[str, Any]) -> list[ListedRow]:
    listing, parameters = choose_listing(sort, filters, parameters)
    try:
        return await listing.fetch_all(session.conn, **parameters)
    except psycopg.InternalError:
        raise InvalidInputError("q: too many words to search for at once; send fewer") from None


def choose_listing(sort: Sort, filters: Filters, parameters: dict[str, Any]) -> tuple[Query[ListedRow], dict[str, Any]]:
    """Choose the statement of a page, and complete its parameters.

    The planner cannot estimate a search or a mod, so the newest requests with these use a separate statement.
    """
    if sort is Sort.CONFIDENCE or (filters.q is None and filters.mod is None):
        return store.LIST_REQUESTS, {**parameters, "sort": sort.value, "filters": filters}
    others = filters._replace(q=None, mod=None)
    search = {**parameters, "q": filters.q, "mod": filters.mod, "filters": others}
    return store.SEARCH_REQUESTS, {name: search[name] for name in store.SEARCH_REQUESTS.parameters}


def _position_after(after: Cursor | None) -> dict[str, object]:
    return {
        "after_id": after and after.id,
        "after_created": after and after.created,
        "after_confidence": after and after.confidence,
    }


def _make_page(rows: list[ListedRow], limit: int, sort: Sort) -> Page:
    more = len(rows) > limit
    cursor = Cursor.of(rows[limit - 1], sort).write() if more else None
    parts = [(row.id, row.ingested_at, row.revision, row.curation) for row in rows[:limit]]
    version = sha256(orjson.dumps([parts, more])).hexdigest()[:VERSION_DIGITS]
    return Page(rows[:limit], cursor, version)


@retry_read
async def list_users(access: Access, key: str | None) -> tuple[list[UserRow], int]:
    """List the users whose requests the caller sees, the latest MAX_USERS first, and count all of them."""
    async with access.session(key, Scope.READ) as session:
        rows = await store.LIST_USERS.fetch_all(session.conn, owner=session.caller.owner_filter, limit=MAX_USERS)
    return rows, rows[0].total if rows else 0
