"""Numbers from repeated calls, which alternate if they are compared, because the speed of the machine changes."""

import gc
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from functions.web.context import GC_THRESHOLD

Timed = Callable[[], float]
"""Does something once and returns the seconds without preparations."""

MS = 1000.0


@dataclass(frozen=True)
class Check:
    """A further requirement of a case in words, and whether it is met."""

    text: str
    ok: bool


@dataclass(frozen=True)
class Measured:
    """The result of a case in its unit.

    Attributes:
        ours: the values of all repetitions.
        floor: the same of the floor.
        per_second: repetitions per second; None where that has no meaning.
        checks: further requirements.
        notes: other observations.
    """

    ours: list[float]
    floor: list[float]
    per_second: float | None = None
    checks: list[Check] = field(default_factory=list[Check])
    notes: list[str] = field(default_factory=list[str])

    @property
    def median(self) -> float:
        """Return the median of our values."""
        return statistics.median(self.ours)

    @property
    def p95(self) -> float:
        """Return the 95th percentile of our values."""
        return percentile(self.ours, 0.95)

    @property
    def floor_median(self) -> float:
        """Return the median of the floor."""
        return statistics.median(self.floor)

    @property
    def ratio(self) -> float:
        """Return our median divided by that of the floor."""
        return self.median / self.floor_median


def percentile(values: list[float], share: float) -> float:
    """Return the smallest value that at least this share does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -int(-share * len(ordered) // 1) - 1)]


def time_call(function: Callable[[], object]) -> float:
    """Return the seconds of a call."""
    began = time.perf_counter()
    function()
    return time.perf_counter() - began


def alternate(ours: Timed, floor: Timed, *, n: int, warmup: int = 2) -> Measured:
    """Alternate both calls, so that disturbances affect both; in milliseconds."""
    for _ in range(warmup):
        ours()
        floor()
    pairs = [(ours(), floor()) if number % 2 else (floor(), ours())[::-1] for number in range(n)]
    own = [MS * one for one, _ in pairs]
    return Measured(own, [MS * other for _, other in pairs], MS * n / sum(own))


def collect_as_served() -> None:
    """Configure Python's garbage collector as the server does, and exclude the present objects from it."""
    gc.set_threshold(GC_THRESHOLD)
    gc.collect()
    gc.freeze()
