"""When the hub polls: on notification, otherwise at intervals, which are long if the database may be asleep."""

import time

from core.stream.wakeup import Wakeup

POLL_S = 1.0
"""Interval between two polls without notifications."""
QUIET_AFTER_S = 300.0
"""Neon suspends a compute this long after the last query."""
QUIET_POLL_S = 900.0
"""Interval between two polls of a database that may be suspended. Each poll wakes it for QUIET_AFTER_S."""


class Pace:
    """Decides when the hub polls the database."""

    def __init__(self, *, may_sleep: bool) -> None:
        self._may_sleep = may_sleep
        self._active_at = 0.0
        self._is_due = False
        self._wakeup = Wakeup()

    @property
    def is_asleep(self) -> bool:
        """Whether the database may be suspended, and should not be woken without need."""
        return self._may_sleep and time.monotonic() - self._active_at > QUIET_AFTER_S

    @property
    def interval(self) -> float:
        """Seconds between two polls without notifications."""
        return QUIET_POLL_S if self.is_asleep else POLL_S

    def note_activity(self) -> None:
        """Note that something was stored, or that a client connected."""
        self._active_at = time.monotonic()

    def demand_poll(self) -> None:
        """Request a poll, because there is something new."""
        self._is_due = True
        self._wakeup.wake()

    def reconsider(self) -> None:
        """End the current wait without a poll, because notifications started or stopped."""
        self._wakeup.wake()

    async def wait(self, seconds: float | None) -> bool:
        """Wait for a timeout in seconds, a demand or a reconsideration. Return whether it is time to poll."""
        is_early = await self.rest(seconds)
        is_due, self._is_due = self._is_due or not is_early, False
        return is_due

    async def rest(self, seconds: float | None) -> bool:
        """Wait at most this many seconds. Return whether the wait was ended early."""
        return self._is_due or await self._wakeup.wait(seconds)
