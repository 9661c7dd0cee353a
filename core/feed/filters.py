"""The feed's filters, its two orders, and the cursor that goes on from a row."""

import base64
import binascii
import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Self

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core.errors import InvalidInputError
from core.feed.store import ListedRow
from core.wire.timestamp import Timestamp

_MINUSES = re.compile(r"-(?:\s*-)+")

NO_CONFIDENCE = 2.0
"""Where a request without a confidence stands among the others: behind them, as sql/ has it."""


class Sort(StrEnum):
    """Newest first, or least sure first."""

    CREATED = "created"
    CONFIDENCE = "confidence"


@dataclass(frozen=True, slots=True)
class Filters:
    """What a feed is narrowed to; a filter that is null lets everything through.

    Attributes:
        model: the request's model.
        mod: a mod that was named or called.
        tag: a tag it has.
        favorited_by: somebody who favorites it.
        created_from: inclusive.
        created_to: exclusive.
        min_confidence: of sequence_confidence, inclusive; a bound leaves out requests without one.
        max_confidence: the same, from above.
        has_exception: whether a mod raised.
        q: words of prompt and final text, as a web search takes them.
    """

    model: str | None = None
    mod: str | None = None
    tag: str | None = None
    favorited_by: str | None = None
    created_from: datetime | None = None
    created_to: datetime | None = None
    min_confidence: float | None = None
    max_confidence: float | None = None
    has_exception: bool | None = None
    q: str | None = None


def clean_query(text: str | None) -> str | None:
    """Words to search for, as a web search takes them; empty, which finds nothing, if there are only symbols.

    Postgres counts each minus in a row as a step down, and has room for 32.
    """
    if text is None or not text.strip():
        return None
    return _MINUSES.sub("-", text).strip() if any(map(str.isalnum, text)) else ""


class Cursor(BaseModel):
    """The row a page ended with: the next begins after it, whatever was stored meanwhile."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sort: Sort
    id: Annotated[int, Field(ge=1, le=2**63 - 1)]
    created: Timestamp
    confidence: Annotated[float, Field(allow_inf_nan=False)]

    @classmethod
    def of(cls, row: ListedRow, sort: Sort) -> Self:
        """The cursor that goes on behind a row."""
        known = row.sequence_confidence
        confidence = NO_CONFIDENCE if known is None else known
        return cls(sort=sort, id=row.id, created=row.created_ts, confidence=confidence)

    def write(self) -> str:
        """As text that fits into a query."""
        return base64.urlsafe_b64encode(orjson.dumps(self.model_dump())).decode().rstrip("=")

    @classmethod
    def read(cls, text: str, sort: Sort) -> Self:
        """Read what `write` wrote.

        Raises:
            InvalidInputError: it is no cursor, or one of the other order.
        """
        try:
            raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
            cursor = cls.model_validate(orjson.loads(raw))
        except (binascii.Error, ValueError, ValidationError):
            raise InvalidInputError("cursor: it is none that an answer gave as next_cursor") from None
        if cursor.sort is not sort:
            raise InvalidInputError(f"cursor: it goes on a list with sort={cursor.sort.value}")
        return cursor
