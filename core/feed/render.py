"""Render rows of the feed as JSON."""

from collections.abc import Sequence
from datetime import UTC
from typing import Any

import msgspec

from core.feed.list import Page
from core.feed.store import FeedRow, ListedRow

SHOWN = tuple(name for name in FeedRow.model_fields if name != "id")
"""The fields of a row in JSON, in order. The id, the first field of a ListedRow, is left out."""
FIRST, LAST = ListedRow._fields.index(SHOWN[0]), ListedRow._fields.index(SHOWN[-1])
LARGE_CHARACTERS = 1_000_000
"""Final texts of a page that take over 2 ms to render."""

_ShownRow = msgspec.defstruct("_ShownRow", SHOWN, gc=False)
"""Encoding a struct takes a third of the time of creating and encoding a dict."""
_ENCODE = msgspec.json.Encoder().encode


def is_large(rows: Sequence[ListedRow]) -> bool:
    """Return whether a page should be rendered in a thread."""
    return sum(len(row.final_text or "") for row in rows) > LARGE_CHARACTERS


def render_feed(page: Page, *, limit: int, offset: int) -> bytes:
    """Render a page of the feed. A large one is rendered row by row, so that no thread holds the GIL for long."""
    data: list[Any] = list(map(_show_row, page.rows or ()))
    if is_large(page.rows or ()):
        data = [msgspec.Raw(_ENCODE(row)) for row in data]
    shown = {
        "data": data,
        "limit": limit,
        "offset": offset,
        "returned": len(data),
        "total": page.total,
        "total_is_bound": page.total_is_bound,
        "next_cursor": page.next_cursor,
    }
    return _ENCODE(shown)


def _show_row(row: ListedRow) -> msgspec.Struct:
    shown: Any = _ShownRow(*row[FIRST : LAST + 1])
    if row.created_ts.tzinfo is not UTC:  # the time zone of the connection
        shown.created_ts = row.created_ts.astimezone(UTC)
        shown.finished_ts = row.finished_ts and row.finished_ts.astimezone(UTC)
    if row.group_confidence is not None:
        shown.group_confidence = msgspec.Raw(row.group_confidence)
    return shown
