"""Parse ages such as 90d, 12h and 30m."""

import re
from datetime import UTC, datetime, timedelta

from core.errors import InvalidInputError

_AGE = re.compile(r"(\d{1,6})\s*([dhm])")
_UNITS = {"d": "days", "h": "hours", "m": "minutes"}


def read_age(text: str) -> datetime:
    """Return the time that is an age ago.

    Raises:
        InvalidInputError: the text is not an age.
    """
    found = _AGE.fullmatch(text.strip())
    if found is None:
        raise InvalidInputError(f"{text!r}: not an age; write 90d, 12h or 30m")
    if int(found[1]) == 0:
        raise InvalidInputError(f"{text!r}: must be more than 0; to delete everything, use `manage.py clear`")
    try:
        return datetime.now(UTC) - timedelta(**{_UNITS[found[2]]: int(found[1])})
    except OverflowError:
        raise InvalidInputError(f"{text!r}: earlier than the first representable date; use a smaller number") from None
