"""Ingest many items in one body, as lines (NDJSON) or a list. Each is stored or refused independently, in order."""

import asyncio
import codecs
import logging
import uuid
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from mmap import mmap
from typing import TypeVar

import msgspec
import orjson
from pydantic import BaseModel

from core.database.pool import DatabaseUnavailableError
from core.errors import InvalidInputError, ThunderError
from core.responses.items import is_stream_of_lines
from core.traces.ingest import PreparedTrace, Receipt
from core.traces.items import Several
from core.wire.json_text import to_column_text
from core.wire.parse_json import strip_mark
from functions.web.body import Body
from functions.web.spool import Part, Spool

MEDIA_TYPES = ("application/x-ndjson", "application/ndjson", "application/jsonl")
MAX_LINES = 1000
"""Maximum lines of a body. All of them must be stored within the time limit of one request."""
MAX_SHOWN_ID = 512
MAX_LOOKED_THROUGH = 1024 * 1024
"""A refused line is searched for its id only up to this size, in bytes."""

_PIECE_BYTES = 64 * 1024

log = logging.getLogger(__name__)

T = TypeVar("T")
Prepare = Callable[[Part], Awaitable[list[PreparedTrace]]]
Store = Callable[[list[PreparedTrace]], Awaitable[list[Receipt]]]


class LineResult(BaseModel):
    """The result of one line.

    Attributes:
        index: position among the items, from 0. For one item with several answers, the position of the answer.
        request_id: the posted id; null if the item has no readable id.
        status: the HTTP status that posting the item alone would have had.
        error: the reason for a refusal; omitted if the item was stored.
        warnings: problems that don't prevent scoring; omitted if empty.
    """

    index: int
    request_id: str | None
    status: int
    error: str | None = None
    warnings: list[str] | None = None


class BatchReceipt(BaseModel):
    """The results of all items."""

    results: list[LineResult]


@dataclass(frozen=True, slots=True)
class _Refusal:
    status: int
    sentence: str
    is_away: bool = False


@asynccontextmanager
async def split_body(body: Body, how: Several) -> AsyncGenerator[list[Part]]:
    """Split a body into its lines that are not blank, or into the items of its list.

    Raises:
        InvalidInputError: the body has no items or more than MAX_LINES, or can't be decompressed.
        BusyError: the byte budget is used up.
    """
    find = find_lines if how is Several.LINES else find_items
    with closing(Spool()) as unpacked:
        if body.is_packed:
            await body.unpack_into(unpacked)
        spool = unpacked if body.is_packed else body.part.spool
        ranges = await body.context.run_light(body.reservation.account, find, spool)
        yield [Part(spool, start, end) for start, end in ranges]


def find_lines(spool: Spool) -> list[tuple[int, int]]:
    """Return the start and the end of each line that is not blank, or of the body if it is one stream.

    Raises:
        InvalidInputError: the body has no lines, or more than MAX_LINES.
    """
    lines: list[tuple[int, int]] = []
    content = spool.map()
    if is_stream_of_lines(_iterate_lines(content)):
        return [(0, spool.size)]
    start = _skip_blank(content, 0)
    while start < spool.size:
        if len(lines) == MAX_LINES:
            raise InvalidInputError(f"body: has more than {MAX_LINES} lines; split it into several posts")
        end = content.find(b"\n", start)
        lines.append((start, spool.size if end < 0 else end))
        start = _skip_blank(content, lines[-1][1])
    if not lines:
        raise InvalidInputError("body: empty; send one trace per line")
    return lines


def _iterate_lines(content: "bytes | mmap") -> Iterator[bytes]:
    start = _skip_blank(content, 0)
    while start < len(content):
        end = content.find(b"\n", start)
        end = len(content) if end < 0 else end
        yield content[start:end]
        start = _skip_blank(content, end)


def find_items(spool: Spool) -> list[tuple[int, int]]:
    """Return the start and the end of each item of a JSON list.

    Raises:
        InvalidInputError: the list is empty, or has more than MAX_LINES items.
    """
    content = spool.map()
    begin = len(codecs.BOM_UTF8) if content[: len(codecs.BOM_UTF8)] == codecs.BOM_UTF8 else 0
    rows = msgspec.json.decode(content[begin:] if begin else content, type=list[msgspec.Raw])
    if not 0 < len(rows) <= MAX_LINES:
        raise InvalidInputError(f"body: the list has {len(rows)} items; send 1 to {MAX_LINES}")
    items: list[tuple[int, int]] = []
    start = _skip_blank(content, begin)
    for row in rows:
        start = _skip_blank(content, start + 1)  # skips the opening bracket or the comma
        items.append((start, start + len(row)))
        start = _skip_blank(content, start + len(row))
    return items


def _skip_blank(content: "bytes | mmap", start: int) -> int:
    while piece := content[start : start + _PIECE_BYTES]:
        if rest := piece.lstrip():
            return start + len(piece) - len(rest)
        start += len(piece)
    return start


async def ingest_lines(lines: list[Part], prepare: Prepare, store: Store) -> BatchReceipt:
    """Ingest lines one after another, preparing the next line while one is stored.

    An error affects only its own line. Once the database is not available, all remaining lines get the same error.
    """
    results: list[LineResult] = []
    away: _Refusal | None = None
    ahead = asyncio.ensure_future(_attempt(prepare(lines[0])))
    for index, line in enumerate(lines):
        prepared = await ahead
        if away is None and index + 1 < len(lines):
            ahead = asyncio.ensure_future(_attempt(prepare(lines[index + 1])))
        outcome = away or (prepared if isinstance(prepared, _Refusal) else await _attempt(store(prepared)))
        if isinstance(outcome, _Refusal):
            away = away or (outcome if outcome.is_away else None)
            results.append(_refuse(index, line, outcome))
        else:
            results += [_accept(index, receipt) for receipt in outcome]
    return BatchReceipt(results=results)


def describe_answers(receipts: list[Receipt]) -> BatchReceipt:
    """Return the results of one item with several answers."""
    return BatchReceipt(results=[_accept(index, receipt) for index, receipt in enumerate(receipts)])


def _accept(index: int, receipt: Receipt) -> LineResult:
    result = LineResult(index=index, request_id=receipt.request_id, status=201)
    return result.model_copy(update={"warnings": receipt.warnings}) if receipt.warnings else result


async def _attempt(work: Awaitable[T]) -> T | _Refusal:
    try:
        return await work
    except ThunderError as error:
        return _Refusal(error.status, str(error), isinstance(error, DatabaseUnavailableError))
    except Exception:
        trace_id = uuid.uuid4().hex
        log.exception("unexpected error %s in a line of a batch", trace_id)
        return _Refusal(500, f"internal error; the server's log has the details under {trace_id}")


def _refuse(index: int, line: Part, refusal: _Refusal) -> LineResult:
    return LineResult(index=index, request_id=_find_id(line), status=refusal.status, error=refusal.sentence)


def _find_id(line: Part) -> str | None:
    """Return the request id of a refused line, if it has one."""
    if line.size > MAX_LOOKED_THROUGH:
        return None
    try:
        item = orjson.loads(strip_mark(line.read()))
    except orjson.JSONDecodeError:
        return None
    parts = [item.get("request"), item] if isinstance(item, dict) else []
    ids = [
        part.get(name) for part in parts if isinstance(part, dict) for name in ("request_id", "litellm_call_id", "id")
    ]
    return next((to_column_text(one[:MAX_SHOWN_ID]) for one in ids if isinstance(one, str) and one), None)
