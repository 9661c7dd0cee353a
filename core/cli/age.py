"""Ages as people type them: 90d, 12h."""

import re
from datetime import UTC, datetime, timedelta

from core.errors import InvalidInputError

_AGE = re.compile(r"(\d{1,6})\s*([dhm])")
_UNITS = {"d": "days", "h": "hours", "m": "minutes"}


def read_age(text: str) -> datetime:
    """The moment that was so long ago.

    Raises:
        InvalidInputError: it is no age.
    """
    found = _AGE.fullmatch(text.strip())
    if found is None:
        raise InvalidInputError(f"{text!r} is no age: write 90d, 12h or 30m")
    if int(found[1]) == 0:
        raise InvalidInputError(f"{text!r} is no age: all there is goes by `manage.py clear`")
    try:
        return datetime.now(UTC) - timedelta(**{_UNITS[found[2]]: int(found[1])})
    except OverflowError:
        raise InvalidInputError(f"{text!r} is longer ago than there are dates") from None
