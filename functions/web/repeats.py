"""Recognize sentences that many requests would log, so that each is logged once a minute."""

import time
from collections import OrderedDict
from collections.abc import Callable

QUIET_S = 60.0
MAX_SENTENCES = 100
"""Remembered sentences. The oldest is forgotten first."""


class Repeats:
    """The sentences of the last minute, in bounded memory."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._logged_at: OrderedDict[str, float] = OrderedDict()

    def is_due(self, sentence: str) -> bool:
        """Return whether a sentence should be logged, and remember that it was."""
        now = self._clock()
        if now - self._logged_at.get(sentence, -QUIET_S) < QUIET_S:
            return False
        self._logged_at[sentence] = now
        self._logged_at.move_to_end(sentence)
        if len(self._logged_at) > MAX_SENTENCES:
            self._logged_at.popitem(last=False)
        return True
