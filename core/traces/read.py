"""Reading back: the feed, the log, and the document as it was posted. One query each."""

import orjson

from core.database.pool import Pool, checkout
from core.errors import NotFoundError
from core.traces import store
from core.traces.json_text import to_column_text
from core.zstandard import decompress

MAX_LIMIT = 100
DEFAULT_LIMIT = 50
MAX_OFFSET = 2**31 - 1


def clamp_page(limit: int, offset: int) -> tuple[int, int]:
    """Lists clamp `limit` to 1…100 and `offset` to 0…, rather than refuse."""
    return min(max(limit, 1), MAX_LIMIT), min(max(offset, 0), MAX_OFFSET)


async def list_requests(pool: Pool, *, limit: int, offset: int) -> list[store.FeedRow]:
    """A page of the feed, newest first."""
    async with checkout(pool) as conn:
        return await store.list_requests(conn, limit=limit, offset=offset)


async def read_log(pool: Pool, *, request_id: str) -> bytes:
    """The log as JSON.

    Raises:
        NotFoundError: there is no such request.
    """
    check_id(request_id)
    async with checkout(pool) as conn:
        stored = await store.get_log(conn, request_id=request_id)
    if stored is None:
        raise no_request(request_id)
    changing = orjson.dumps(stored.model_dump(exclude={"log"}))
    return changing[:-1] + b"," + decompress(stored.log)


async def read_document(pool: Pool, *, request_id: str) -> bytes:
    """The document, byte for byte as it was posted.

    Raises:
        NotFoundError: there is no such request.
    """
    check_id(request_id)
    async with checkout(pool) as conn:
        stored = await store.get_document(conn, request_id=request_id)
    if stored is None:
        raise no_request(request_id)
    return decompress(stored.document)


def check_id(request_id: str) -> None:
    """What ingest refuses as an id cannot be asked of Postgres either."""
    if to_column_text(request_id) != request_id:
        raise no_request(request_id)


def no_request(request_id: str) -> NotFoundError:
    """The error for an id that nobody posted."""
    return NotFoundError(f"there is no request {request_id!r}")
