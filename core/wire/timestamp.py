"""Timestamps from clients: RFC 3339 text, or seconds since the epoch."""

import re
from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, PlainValidator

EARLIEST = datetime(1, 1, 2, tzinfo=UTC)
LATEST = datetime(9999, 12, 30, tzinfo=UTC)
OUT_OF_RANGE = "a timestamp must be a valid date and time in the years 1 to 9999"

_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)?")


def parse_timestamp(value: object) -> datetime:
    """Parse a timestamp into an aware datetime in UTC. Text without an offset is read as UTC.

    Raises:
        ValueError: the value is neither RFC 3339 text nor a number of seconds, or not in the years 1 to 9999.
    """
    if isinstance(value, str):
        return _parse_text(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("a timestamp is RFC 3339 text or a number of seconds since the epoch")  # noqa: TRY004 - pydantic
    try:
        return _check_range(datetime.fromtimestamp(value, UTC))
    except (OverflowError, OSError, ValueError):
        raise ValueError(OUT_OF_RANGE) from None


def _check_range(moment: datetime) -> datetime:
    """Check the range, with a margin of a day at each end so that the time can be written in every time zone."""
    if not EARLIEST <= moment <= LATEST:
        raise ValueError(OUT_OF_RANGE)
    return moment


def _parse_text(text: str) -> datetime:
    if not _RFC_3339.fullmatch(text):
        raise ValueError("a timestamp is RFC 3339 text or a number of seconds since the epoch")
    try:
        moment = datetime.fromisoformat(text.upper())
        return _check_range(moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC))
    except (OverflowError, ValueError):
        raise ValueError(OUT_OF_RANGE) from None


Timestamp = Annotated[datetime, PlainValidator(parse_timestamp)]
UtcMoment = Annotated[datetime, AfterValidator(lambda moment: moment.astimezone(UTC))]
"""A timestamp from the database, which returns it in the time zone of the connection."""
