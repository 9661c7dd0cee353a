"""List a page of the caller's requests, in one query."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from hashlib import blake2b
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
from core.feed.filters import Cursor, Sort, write_cursor
from core.feed.store import ListedRow, UserRow
from core.traces.filters import NO_FILTERS, Filters

MAX_USERS = 1000
MAX_COUNTED = 10_000
"""The largest exact total of a page."""
VERSION_BYTES = 16
ANY_VERSION = "*"
"""The value of If-None-Match that matches any version."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the feed.

    Attributes:
        rows: None if the client has this version of them.
        next_cursor: None on the last page.
        total: the number of requests that pass the filters, at most MAX_COUNTED; None if it was not counted.
        total_is_bound: whether there are more than `total`.
        version: a version of everything that the page shows, for an ETag.
    """

    rows: list[ListedRow] | None
    next_cursor: str | None
    total: int | None
    total_is_bound: bool | None
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
    counts: bool = False,
    known: Collection[str] = (),
) -> Page:
    """List a page of the caller's requests. `user_key` (a key or its label) selects the requests of one user.

    With `counts`, the page has the total. `known` has the versions of the page that the client already has.

    Raises:
        InvalidInputError: the cursor is not valid, or comes with an offset.
        NotFoundError: the collection does not exist, or belongs to another user.
    """
    if cursor is not None and offset:
        raise InvalidInputError("offset: can't be combined with cursor; send one of them")
    after = None if cursor is None else Cursor.read(cursor, sort)
    wanted = _Wanted(
        sort, filters, limit, {"offset": offset, "collection_id": collection, **_position_after(after)}, counts
    )
    await access.settle_key(user_key, by=key)
    async with access.session(key, Scope.READ) as session:
        owner = session.caller.owner_filter
        if user_key is not None:
            user = await session.resolve_owner(user_key)
            if user is None or not session.caller.may_see(user.hmac):
                return _make_page([], wanted, 0)
            owner = user.hmac
        storable = session.mask_name(filters.favorited_by)
        wanted = wanted.narrow(owner=owner, favorited_by=storable.text)
        if storable.key_hash is not None or collection is not None or counts:
            return await _read_counted(session, wanted, storable, known)
        return await _read_page(session, wanted, await _fetch(session, wanted, brief=bool(known)), None, known)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A page of the feed. `parameters` are those of its statement without filters and limit."""

    sort: Sort
    filters: Filters
    limit: int
    parameters: dict[str, Any]
    counts: bool

    def narrow(self, **filters: Any) -> "_Wanted":  # noqa: ANN401 - values of filters
        """Return the page with some filters replaced."""
        return replace(self, filters=self.filters._replace(**filters))


async def _read_counted(session: Session, wanted: _Wanted, storable: StorableText, known: Collection[str]) -> Page:
    """Read a page together with the total and the lookups that it needs, in one round trip."""
    collection, page = wanted.parameters["collection_id"], _fetch(session, wanted, brief=bool(known))
    name, total, rows = await together(
        session.conn, _look_up(session, storable, collection), _count(session, wanted), page
    )
    if name != storable.text:
        wanted = wanted.narrow(favorited_by=name)
        total, rows = await together(session.conn, _count(session, wanted), _fetch(session, wanted, brief=bool(known)))
    return await _read_page(session, wanted, rows, total, known)


async def _look_up(session: Session, storable: StorableText, collection: int | None) -> str | None:
    """Refuse a collection that is not the caller's, and resolve the name for the `favorited_by` filter."""
    if collection is not None:
        owner = session.caller.owner_filter
        require_own(await GET_COLLECTION.fetch_one(session.conn, id=collection, owner=owner), collection)
    return await session.look_up(storable)


async def _read_page(
    session: Session, wanted: _Wanted, rows: list[ListedRow], total: int | None, known: Collection[str]
) -> Page:
    """Make a page of rows. With `known`, the rows have no texts: read them in full unless the client has the page."""
    page = _make_page(rows, wanted, total)
    if not known:
        return page
    if not {page.version, ANY_VERSION}.isdisjoint(known):
        return replace(page, rows=None)
    return _make_page(await _fetch(session, wanted, brief=False), wanted, total)


async def _fetch(session: Session, wanted: _Wanted, *, brief: bool) -> list[ListedRow]:
    # An extra row shows whether there is a next page.
    parameters = {**wanted.parameters, "limit": wanted.limit + 1, "brief": brief}
    listing, parameters = choose_listing(wanted.sort, wanted.filters, parameters)
    with refuse_long_search():
        return await listing.fetch_all(session.conn, **parameters)


async def _count(session: Session, wanted: _Wanted) -> int | None:
    if not wanted.counts:
        return None
    collection = wanted.parameters["collection_id"]
    with refuse_long_search():
        return await store.COUNT_MATCHES.fetch_only(
            session.conn, filters=wanted.filters, collection_id=collection, limit=MAX_COUNTED + 1
        )


@contextmanager
def refuse_long_search() -> Iterator[None]:
    """Turn the error of Postgres about a search with too many words into the caller's error."""
    try:
        yield
    except psycopg.InternalError:
        raise InvalidInputError("q: too many words to search for at once; send fewer") from None


def choose_listing(sort: Sort, filters: Filters, parameters: dict[str, Any]) -> tuple[Query[ListedRow], dict[str, Any]]:
    """Choose the statement of a page, and complete its parameters.

    The planner cannot estimate a search or a mod, so requests with these use a separate statement.
    """
    parameters = {**parameters, "sort": sort.value}
    if filters.q is None and filters.mod is None:
        return store.LIST_REQUESTS, {**parameters, "filters": filters}
    others = filters._replace(q=None, mod=None)
    return store.SEARCH_REQUESTS, {**parameters, "q": filters.q, "mod": filters.mod, "filters": others}


def _position_after(after: Cursor | None) -> dict[str, object]:
    return {
        "after_id": after and after.id,
        "after_created": after and after.created,
        "after_confidence": after and after.confidence,
    }


def _make_page(rows: list[ListedRow], wanted: _Wanted, total: int | None) -> Page:
    limit, more = wanted.limit, len(rows) > wanted.limit
    cursor = write_cursor(rows[limit - 1], wanted.sort) if more else None
    if total is None and not more and wanted.parameters["after_id"] is None:
        offset = wanted.parameters["offset"]
        total = offset + len(rows) if rows or not offset else None
    is_bound = None if total is None else total > MAX_COUNTED
    total = None if total is None else min(total, MAX_COUNTED)
    parts = [(row.id, row.ingested_at, row.revision, row.curation) for row in rows[:limit]]
    version = blake2b(orjson.dumps([parts, more, total, is_bound]), digest_size=VERSION_BYTES).hexdigest()
    return Page(rows[:limit], cursor, total, is_bound, version)


@retry_read
async def list_users(access: Access, key: str | None) -> tuple[list[UserRow], int]:
    """List the MAX_USERS most recently active users whose requests the caller sees, and count all such users."""
    async with access.session(key, Scope.READ) as session:
        rows = await store.LIST_USERS.fetch_all(session.conn, owner=session.caller.owner_filter, limit=MAX_USERS)
    return rows, rows[0].total if rows else 0
