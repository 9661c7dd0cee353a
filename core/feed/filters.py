"""The sort orders and the cursor of the feed."""

import base64
import binascii
from enum import StrEnum
from typing import Annotated, Self

import orjson
from pydantic import Field, ValidationError

from core.errors import InvalidInputError
from core.feed.store import ListedRow
from core.wire.models import Frozen
from core.wire.timestamp import Timestamp

NO_CONFIDENCE = 2.0
"""The sort value of a request without a confidence. It sorts such requests last; the SQL uses the same value."""


class Sort(StrEnum):
    """The sort orders of the feed: newest first, or least confident first."""

    CREATED = "created"
    CONFIDENCE = "confidence"


class Cursor(Frozen, extra="forbid"):
    """The last row of a page. The next page starts after it, even if rows were stored in between."""

    sort: Sort
    id: Annotated[int, Field(ge=1, le=2**63 - 1)]
    created: Timestamp
    confidence: Annotated[float, Field(allow_inf_nan=False)]

    @classmethod
    def read(cls, text: str, sort: Sort) -> Self:
        """Parse the text that `write_cursor` returned.

        Raises:
            InvalidInputError: the text is not a cursor, or belongs to the other sort order.
        """
        try:
            raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
            cursor = cls.model_validate(orjson.loads(raw))
        except (binascii.Error, ValueError, ValidationError):
            raise InvalidInputError("cursor: not a valid next_cursor; use the one from the previous page") from None
        if cursor.sort is not sort:
            raise InvalidInputError(f"cursor: belongs to sort={cursor.sort.value}; use that sort order")
        return cursor


def write_cursor(row: ListedRow, sort: Sort) -> str:
    """Return the cursor that continues after a row, as text for a URL's query."""
    known = row.sequence_confidence
    confidence = NO_CONFIDENCE if known is None else known
    content = {"sort": sort, "id": row.id, "created": row.created_ts, "confidence": confidence}
    return base64.urlsafe_b64encode(orjson.dumps(content)).decode().rstrip("=")
