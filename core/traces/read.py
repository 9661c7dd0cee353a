"""Reading back: the feed, the log, and the document as it was posted. One query each, after that for the caller."""

from collections.abc import Collection
from dataclasses import asdict, dataclass, replace
from functools import partial
from hashlib import sha256

import orjson
import psycopg

from core.access.caller import Caller, Scope, UnauthorizedError
from core.access.session import Access, Said, Visit
from core.collections.collection import require_own
from core.collections.store import get_collection
from core.database.pool import reread
from core.database.reading import together
from core.document.formats import require_known_format
from core.errors import InvalidInputError, NotFoundError, ThunderError
from core.feed.filters import Cursor, Filters, Sort
from core.traces import store
from core.traces.log_cache import LogCache
from core.traces.log_view import LogView, PackedJson, view_log
from core.traces.store import ListedRow
from core.wire.json_text import to_column_text

NO_FILTERS = Filters()
MAX_LIMIT = 100
DEFAULT_LIMIT = 50
MAX_OFFSET = 2**31 - 1
MAX_USERS = 1000
VERSION_DIGITS = 32
ANY_VERSION = "*"
"""Among the versions that a client has: it has whatever there is."""


def clamp_page(limit: int, offset: int) -> tuple[int, int]:
    """Lists clamp `limit` to 1…100 and `offset` to 0…, rather than refuse."""
    return min(max(limit, 1), MAX_LIMIT), min(max(offset, 0), MAX_OFFSET)


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the feed.

    Attributes:
        rows: null: the client has this version of them.
        next_cursor: the cursor of the next page; null where there is none.
        version: of what the page shows.
    """

    rows: list[ListedRow] | None
    next_cursor: str | None
    version: str


@reread
async def list_requests(  # noqa: PLR0913 - a feed's address
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
    """A page of the caller's feed; `user_key` (itself or its label) narrows it to one user's.

    Raises:
        InvalidInputError: the cursor is none, or comes with an offset.
        NotFoundError: there is no such collection, or it is not the caller's.
    """
    if cursor is not None and offset:
        raise InvalidInputError("offset: a cursor says already where the page begins")
    after = None if cursor is None else Cursor.read(cursor, sort)
    async with access.visit(key, Scope.READ) as visit:
        owner = visit.caller.owner_filter
        if user_key is not None:
            wanted = await visit.resolve_owner(user_key)
            if wanted is None or not visit.caller.may_see(wanted):
                return _make_page([], limit, sort)
            owner = wanted
        # One more than asked for tells whether there is a next page.
        page = {"limit": limit + 1, "offset": offset, **_place_after(after, sort)}
        said = visit.say_name(filters.favorited_by)
        parameters = {**asdict(filters), "favorited_by": said.text, "owner": owner, "collection_id": collection, **page}
        read = partial(_read_page, visit, limit=limit, sort=sort, known=known)
        if collection is None and said.key_hash is None:
            return await read(parameters)
        name, found = await together(visit.conn, _look_up(visit, said, collection), read(parameters))
        return found if name == said.text else await read({**parameters, "favorited_by": name})


async def _look_up(visit: Visit, said: Said, collection: int | None) -> str | None:
    """Refuse a collection that is not the caller's; the name that is looked for among those who favorite."""
    if collection is not None:
        require_own(visit.caller, await get_collection(visit.conn, row_id=collection), collection)
    return await visit.look_up(said)


async def _read_page(
    visit: Visit, parameters: dict[str, object], *, limit: int, sort: Sort, known: Collection[str]
) -> Page:
    if known:
        brief = _make_page(await _fetch(visit, sort, {**parameters, "brief": True}), limit, sort)
        if not {brief.version, ANY_VERSION}.isdisjoint(known):
            return replace(brief, rows=None)
    return _make_page(await _fetch(visit, sort, {**parameters, "brief": False}), limit, sort)


async def _fetch(visit: Visit, sort: Sort, parameters: dict[str, object]) -> list[ListedRow]:
    fetch = store.list_requests if sort is Sort.CREATED else store.list_least_sure
    try:
        return await fetch(visit.conn, parameters=parameters)
    except psycopg.InternalError:
        raise InvalidInputError("q: it is more than can be searched for at once") from None


def _place_after(after: Cursor | None, sort: Sort) -> dict[str, object]:
    if sort is Sort.CREATED:
        return {"after_id": after and after.id, "after_created": after and after.created}
    return {"after_id": after and after.id, "after_confidence": after and after.confidence}


def _make_page(rows: list[ListedRow], limit: int, sort: Sort) -> Page:
    more = len(rows) > limit
    cursor = Cursor.of(rows[limit - 1], sort).write() if more else None
    parts = [(row.id, row.ingested_at, row.revision, row.curation) for row in rows[:limit]]
    version = sha256(orjson.dumps([parts, more])).hexdigest()[:VERSION_DIGITS]
    return Page(rows[:limit], cursor, version)


@reread
async def list_users(access: Access, key: str | None) -> tuple[list[store.UserRow], int]:
    """The users whose requests the caller sees, the latest MAX_USERS first, and how many there are."""
    async with access.visit(key, Scope.READ) as visit:
        rows = await store.list_users(visit.conn, owner=visit.caller.owner_filter, limit=MAX_USERS)
    return rows, rows[0].total if rows else 0


@reread
async def read_log(
    access: Access, cache: LogCache, key: str | None, *, request_id: str, known: Collection[str] = ()
) -> LogView:
    """Read a log: the caller's own, or anybody's that is public.

    Raises:
        UnauthorizedError: it is not public, and no live key came.
        NotFoundError: there is none, or the caller may not read it.
    """
    stored, held = None, cache.find(request_id)
    async with access.visit(key, Scope.READ, public=True) as visit:
        if not is_no_id(request_id):
            stored = await store.get_log(
                visit.conn,
                request_id=request_id,
                owner=visit.caller.owner_filter,
                known=list(known),
                rendered=[log.version for log in held],
            )
    if stored is None:
        raise hidden(visit.caller, request_id)
    return view_log(stored, visit.hasher, cache_key=request_id, held=held)


@reread
async def read_document(access: Access, key: str | None, *, request_id: str) -> PackedJson:
    """Read the document as it was posted, with labels in place of user API keys.

    Raises:
        NotFoundError: there is none, or the caller may not read it.
    """
    stored = None
    async with access.visit(key, Scope.READ) as visit:
        if not is_no_id(request_id):
            stored = await store.get_document(visit.conn, request_id=request_id, owner=visit.caller.owner_filter)
    if stored is None:
        raise hidden(visit.caller, request_id)
    require_known_format(stored.format)
    return PackedJson(stored.document)


async def require_own_request(visit: Visit, request_id: str) -> None:
    """Refuse whoever may not see a request. The two look the same: not there, and not theirs.

    Raises:
        NotFoundError: there is none, or it is not the caller's to see.
    """
    found = None if is_no_id(request_id) else await store.find_owner(visit.conn, request_id=request_id)
    if found is None or not visit.caller.may_see(found.user_key_hmac):
        raise hidden(visit.caller, request_id)


async def lock_own_request(visit: Visit, request_id: str) -> store.LockedRequest:
    """The same, and until the transaction ends nobody else changes it.

    Raises:
        NotFoundError: there is none, or it is not the caller's to see.
    """
    found = None if is_no_id(request_id) else await store.lock_request(visit.conn, request_id=request_id)
    if found is None or not visit.caller.may_see(found.user_key_hmac):
        raise hidden(visit.caller, request_id)
    return found


async def is_own_request(visit: Visit, request_id: str) -> bool:
    """Whether a request that the caller may read is theirs, or only public.

    Raises:
        UnauthorizedError: it is not public, and no live key came.
        NotFoundError: there is none, or it is not the caller's to see.
    """
    found = None if is_no_id(request_id) else await store.find_owner(visit.conn, request_id=request_id)
    owned = found is not None and visit.caller.may_see(found.user_key_hmac)
    if found is None or not (owned or found.is_public):
        raise hidden(visit.caller, request_id)
    return owned


def is_no_id(request_id: str) -> bool:
    """Whether ingest refuses this as an id; then it cannot be asked of Postgres either."""
    return to_column_text(request_id) != request_id


def hidden(caller: Caller, request_id: str) -> ThunderError:
    """The error for a request that is not there, or not the caller's: without a key, that a key is needed."""
    if not caller.scopes:
        return UnauthorizedError("a key is needed: send it as X-API-Key")
    return NotFoundError(f"there is no request {request_id!r}")
