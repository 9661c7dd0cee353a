"""Parameters that several endpoints share."""

from datetime import datetime
from typing import Annotated

from fastapi import Depends, Query
from pydantic import BeforeValidator, Field, WithJsonSchema

from core.statistics.store import Period
from core.traces.feed import Filters, clean_query
from core.traces.json_text import to_column_text
from core.traces.timestamp import parse_timestamp

MAX_TEXT_LENGTH = 1000


RowId = Annotated[int, Field(ge=1, le=2**63 - 1)]
"""The number of a row, in a path or a body."""


def _parse_moment(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return parse_timestamp(float(value))
    except ValueError:
        pass
    # A plus sign that was not escaped arrives as a space.
    return parse_timestamp(value.replace(" ", "+") if value[10:11] in "Tt" else value)


def _refuse_unstorable(value: object) -> object:
    if isinstance(value, str) and to_column_text(value) != value:
        raise ValueError("cannot hold U+0000")
    return value


MomentParam = Annotated[
    datetime | None,
    BeforeValidator(_parse_moment),
    WithJsonSchema({"type": "string", "format": "date-time"}),
    Query(description="RFC 3339, or seconds since the epoch"),
]
TextParam = Annotated[str | None, BeforeValidator(_refuse_unstorable), Query(max_length=MAX_TEXT_LENGTH)]
ConfidenceParam = Annotated[float | None, Query(ge=0, le=1)]


async def read_period(
    start: Annotated[MomentParam, Query(alias="from")] = None,
    end: Annotated[MomentParam, Query(alias="to")] = None,
    model: TextParam = None,
    mod: TextParam = None,
) -> Period:
    """The requests that a statistic is about: `from` is inclusive, `to` exclusive, both on created_at."""
    return Period(start, end, model, mod)


PeriodDep = Annotated[Period, Depends(read_period)]


async def read_filters(  # noqa: PLR0913, PLR0917 - each is a query parameter
    model: TextParam = None,
    mod: TextParam = None,
    tag: TextParam = None,
    favorited_by: TextParam = None,
    created_from: MomentParam = None,
    created_to: MomentParam = None,
    min_confidence: ConfidenceParam = None,
    max_confidence: ConfidenceParam = None,
    has_exception: bool | None = None,  # noqa: FBT001 - a query parameter
    q: TextParam = None,
) -> Filters:
    """What the feed is narrowed to; an empty text is no filter."""
    return Filters(
        model or None,
        mod or None,
        tag or None,
        favorited_by or None,
        created_from,
        created_to,
        min_confidence,
        max_confidence,
        has_exception,
        clean_query(q),
    )


FiltersDep = Annotated[Filters, Depends(read_filters)]
