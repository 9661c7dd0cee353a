"""When the hub looks: when it is told to, at intervals where nobody tells it, and rarely at what may be asleep."""

import asyncio
import time

POLL_S = 1.0
"""Between two looks where nothing notifies."""
QUIET_AFTER_S = 300.0
"""Neon suspends a compute that long after the last query."""
QUIET_POLL_S = 900.0
"""Between two looks at a database that may be suspended: each wakes it for QUIET_AFTER_S."""


class Pace:
    """What the hub waits for."""

    def __init__(self, *, may_sleep: bool) -> None:
        self._may_sleep = may_sleep
        self._active_at = 0.0
        self._is_due = False
        self._woken = asyncio.Event()

    @property
    def is_asleep(self) -> bool:
        """Whether the database may be suspended by now, and should not be woken without need."""
        return self._may_sleep and time.monotonic() - self._active_at > QUIET_AFTER_S

    @property
    def interval(self) -> float:
        """How long to wait where nothing notifies."""
        return QUIET_POLL_S if self.is_asleep else POLL_S

    def note_activity(self) -> None:
        """Something was stored, or somebody came."""
        self._active_at = time.monotonic()

    def demand_look(self) -> None:
        """There is something to see."""
        self._is_due = True
        self._woken.set()

    def reconsider(self) -> None:
        """Notifications begin or end: how long to wait is another question now."""
        self._woken.set()

    async def wait(self, seconds: float | None) -> bool:
        """Wait for so long, for a demand, or to be made reconsider; whether it is time to look."""
        woken = await self.rest(seconds)
        is_due, self._is_due = self._is_due or not woken, False
        self._woken.clear()
        return is_due

    async def rest(self, seconds: float | None) -> bool:
        """Wait for so long at most; whether it was woken before."""
        try:
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        except TimeoutError:
            return False
        return True
