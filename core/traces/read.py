"""Reading back: the feed, the log, and the document as it was posted. One query each, after that for the caller."""

import re
from dataclasses import asdict, dataclass
from typing import Any

import orjson

from core.access.caller import Caller, Scope, UnauthorizedError
from core.access.hasher import Hasher, strip_labels
from core.access.session import Access, Visit
from core.errors import InvalidInputError, NotFoundError, ThunderError
from core.traces import store
from core.traces.feed import Cursor, Filters, Sort
from core.traces.json_text import to_column_text
from core.traces.store import StoredLog
from core.zstandard import decompress

NO_FILTERS = Filters()
MAX_LIMIT = 100
DEFAULT_LIMIT = 50
MAX_OFFSET = 2**31 - 1
MAX_USERS = 1000
LABEL_END = re.compile("…#[0-9a-f]{12}".encode())
SHARED = "request"
"""What a share token of a single request is derived for."""


def clamp_page(limit: int, offset: int) -> tuple[int, int]:
    """Lists clamp `limit` to 1…100 and `offset` to 0…, rather than refuse."""
    return min(max(limit, 1), MAX_LIMIT), min(max(offset, 0), MAX_OFFSET)


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the feed, and the cursor of the next; null where there is none."""

    rows: list[store.FeedRow]
    next_cursor: str | None


async def list_requests(  # noqa: PLR0913 - a feed's address
    access: Access,
    key: str | None,
    *,
    limit: int,
    offset: int,
    user_key: str | None = None,
    filters: Filters = NO_FILTERS,
    sort: Sort = Sort.CREATED,
    cursor: str | None = None,
) -> Page:
    """A page of the caller's feed; `user_key` (itself or its label) narrows it to one user's.

    Raises:
        InvalidInputError: the cursor is none, or comes with an offset.
    """
    if cursor is not None and offset:
        raise InvalidInputError("offset: a cursor says already where the page begins")
    after = None if cursor is None else Cursor.read(cursor, sort)
    async with access.visit(key, Scope.READ) as visit:
        owner = visit.caller.owner_filter
        if user_key is not None:
            wanted = await visit.resolve_owner(user_key)
            if wanted is None or not visit.caller.may_see(wanted):
                return Page([], None)
            owner = wanted
        fetch = store.list_requests if sort is Sort.CREATED else store.list_least_sure
        place = {"after_id": after and after.id} | (
            {"after_created": after and after.created}
            if sort is Sort.CREATED
            else {"after_confidence": after and after.confidence}
        )
        # One more than asked for tells whether there is a next page.
        page = {"owner": owner, "limit": limit + 1, "offset": offset, **place}
        rows = await fetch(visit.conn, parameters={**asdict(filters), **page})
    more = len(rows) > limit
    return Page(rows[:limit], Cursor.of(rows[limit - 1], sort).write() if more else None)


async def list_users(access: Access, key: str | None) -> tuple[list[store.UserRow], int]:
    """The users whose requests the caller sees, the latest MAX_USERS first, and how many there are."""
    async with access.visit(key, Scope.READ) as visit:
        rows = await store.list_users(visit.conn, owner=visit.caller.owner_filter, limit=MAX_USERS)
    return rows, rows[0].total if rows else 0


async def read_log(access: Access, key: str | None, *, request_id: str) -> bytes:
    """The log as JSON: the caller's own, or anybody's that is public.

    Raises:
        UnauthorizedError: it is not public, and no live key came.
        NotFoundError: there is none, or it is not the caller's to see.
    """
    async with access.visit(key, Scope.READ, public=True) as visit:
        stored = None if is_no_id(request_id) else await store.get_log(visit.conn, request_id=request_id)
    owned = stored is not None and visit.caller.may_see(stored.user_key_hmac)
    if stored is None or not (owned or stored.is_public):
        raise hidden(visit.caller, request_id)
    return render_stored_log(stored, visit.hasher, owned=owned)


def render_stored_log(stored: StoredLog, hasher: Hasher, *, owned: bool) -> bytes:
    """The log as JSON. Whoever does not own it is told no key, and no token but the one they came with."""
    token = None
    if owned and stored.is_public and stored.share_nonce is not None:
        token = hasher.derive_share_token(SHARED, stored.id, stored.share_nonce)
    changing: dict[str, Any] = {
        "request_id": stored.request_id,
        "created_ts": stored.created_at,
        "revision": stored.revision,
        "user_api_key": stored.user_key_label if owned else None,
        "is_public": stored.is_public,
        "public_token": token,
        "favorited_by": stored.favorited_by if owned else [],
        "tags": stored.tags,
        "discussion_count": stored.discussion_count if owned else 0,
    }
    log = decompress(stored.log)
    if not owned and LABEL_END.search(log):  # a label stands where a text held a key
        log = orjson.dumps(_strip_labels(orjson.loads(b"{" + log)))[1:]
    return orjson.dumps(changing)[:-1] + b"," + log


def _strip_labels(value: Any) -> Any:  # noqa: ANN401 - JSON
    match value:
        case str():
            return strip_labels(value)
        case dict():
            return {strip_labels(name): _strip_labels(part) for name, part in value.items()}
        case list():
            return [_strip_labels(part) for part in value]
        case _:
            return value


async def read_document(access: Access, key: str | None, *, request_id: str) -> bytes:
    """The document as it was posted, users' keys masked.

    Raises:
        NotFoundError: there is none, or it is not the caller's to see.
    """
    async with access.visit(key, Scope.READ) as visit:
        stored = None if is_no_id(request_id) else await store.get_document(visit.conn, request_id=request_id)
    if stored is None or not visit.caller.may_see(stored.user_key_hmac):
        raise hidden(visit.caller, request_id)
    return decompress(stored.document)


async def require_own_request(visit: Visit, request_id: str) -> None:
    """Refuse whoever may not see a request. The two look the same: not there, and not theirs.

    Raises:
        NotFoundError: there is none, or it is not the caller's to see.
    """
    found = None if is_no_id(request_id) else await store.find_owner(visit.conn, request_id=request_id)
    if found is None or not visit.caller.may_see(found.user_key_hmac):
        raise hidden(visit.caller, request_id)


def is_no_id(request_id: str) -> bool:
    """Whether ingest refuses this as an id; then it cannot be asked of Postgres either."""
    return to_column_text(request_id) != request_id


def hidden(caller: Caller, request_id: str) -> ThunderError:
    """The error for a request that is not there, or not the caller's: without a key, that a key is needed."""
    if not caller.scopes:
        return UnauthorizedError("a key is needed: send it as X-API-Key")
    return NotFoundError(f"there is no request {request_id!r}")
