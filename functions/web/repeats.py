"""Recognize errors that many requests would log, so that each is logged once a minute."""

import re
import time
from collections import OrderedDict
from collections.abc import Callable

QUIET_S = 60.0
MAX_ERRORS = 100
"""Remembered errors. The oldest is forgotten first."""
_NUMBER = re.compile(r"[0-9]+")
"""Process ids and transactions in the messages of Postgres, which differ each time."""


class Repeats:
    """The errors of the last minute, in bounded memory."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._logged_at: OrderedDict[str, float] = OrderedDict()

    def is_due(self, error: Exception) -> bool:
        """Return whether an error should be logged, and remember that it was. Another cause makes it another error."""
        now = self._clock()
        name = _NUMBER.sub("", f"{error}\n{error.__cause__ or ''}")
        if now - self._logged_at.get(name, -QUIET_S) < QUIET_S:
            return False
        self._logged_at[name] = now
        self._logged_at.move_to_end(name)
        if len(self._logged_at) > MAX_ERRORS:
            self._logged_at.popitem(last=False)
        return True
