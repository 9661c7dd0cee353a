"""Render rows of the feed as JSON, for GET /logs and for the stream."""

from collections.abc import Sequence
from datetime import UTC

import orjson

from core.feed.store import FeedRow, ListedRow

SHOWN = tuple(name for name in FeedRow.model_fields if name != "id")
"""The fields of a row in JSON, in order. The id, the first field of a ListedRow, is left out."""
FIRST, LAST = ListedRow._fields.index(SHOWN[0]), ListedRow._fields.index(SHOWN[-1])
OPTIONS = orjson.OPT_UTC_Z


def render_feed(rows: Sequence[ListedRow], *, limit: int, offset: int, next_cursor: str | None) -> bytes:
    """Render a page of the feed."""
    data = [show_row(row) for row in rows]
    page = {"data": data, "limit": limit, "offset": offset, "returned": len(data), "next_cursor": next_cursor}
    return orjson.dumps(page, option=OPTIONS)


def show_row(row: ListedRow) -> dict[str, object]:
    """Return a row of the feed as an object for `orjson.dumps` with `OPTIONS`."""
    shown: dict[str, object] = dict(zip(SHOWN, row[FIRST : LAST + 1], strict=True))
    shown["created_ts"] = row.created_ts.astimezone(UTC)  # the database returns it in the time zone of the connection
    if row.finished_ts is not None:
        shown["finished_ts"] = row.finished_ts.astimezone(UTC)
    if row.group_confidence is not None:
        shown["group_confidence"] = orjson.Fragment(row.group_confidence)
    return shown
