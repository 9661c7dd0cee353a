"""Timestamps as clients write them: RFC 3339 text, or seconds since the epoch."""

import math
import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated

from pydantic import PlainValidator

_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)?")


def parse_timestamp(value: object) -> datetime:
    """Read one timestamp as an aware datetime in UTC; text without an offset is taken as UTC.

    Raises:
        ValueError: it is neither RFC 3339 text nor a number of seconds, or lies outside the years 1 to 9999.
    """
    if isinstance(value, str):
        return _parse_text(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError("a timestamp is RFC 3339 text or a number of seconds since the epoch")
    try:
        return datetime.fromtimestamp(value, UTC)
    except (OverflowError, OSError, ValueError):
        raise ValueError("a timestamp must lie within the years 1 to 9999") from None


@lru_cache(maxsize=4096)  # engines stamp a whole second's events alike
def _parse_text(text: str) -> datetime:
    if not _RFC_3339.fullmatch(text):
        raise ValueError("a timestamp is RFC 3339 text or a number of seconds since the epoch")
    moment = datetime.fromisoformat(text.upper())
    try:
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("a timestamp must lie within the years 1 to 9999") from None


Timestamp = Annotated[datetime, PlainValidator(parse_timestamp)]
