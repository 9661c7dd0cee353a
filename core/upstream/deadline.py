"""The time limit of a call of the playground: the database may be slow before a server is called."""

import time

TOTAL_S = 140
"""Time from the beginning of a call to the end of its last call to a server. After 150 s, Modal answers 303, which
browsers can't follow."""


class Deadline:
    """The end of a call that begins now."""

    def __init__(self) -> None:
        self._ends = time.monotonic() + TOTAL_S

    def limit(self, timeout_s: float) -> float:
        """Return a timeout, or the time that is left if it is shorter."""
        return max(0.0, min(timeout_s, self._ends - time.monotonic()))
