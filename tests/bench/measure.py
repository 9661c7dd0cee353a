"""Time repeated calls. Calls that are compared alternate, because the speed of the machine varies."""

import gc
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from functions.web.memory import GC_THRESHOLD

Timed = Callable[[], float]
"""Makes one call and returns its duration in seconds, without preparations."""

MS = 1000.0


@dataclass(frozen=True)
class Check:
    """An additional requirement of a case in words, and whether it is met."""

    text: str
    ok: bool


@dataclass(frozen=True)
class Measured:
    """The result of a case in its unit.

    Attributes:
        ours: the measured value of each repetition.
        floor: the value of each repetition of the floor.
        per_second: repetitions per second; None if that has no meaning.
        checks: additional requirements.
        notes: other observations.
    """

    ours: list[float]
    floor: list[float]
    per_second: float | None = None
    checks: list[Check] = field(default_factory=list[Check])
    notes: list[str] = field(default_factory=list[str])

    @property
    def median(self) -> float:
        """Return the median of the measured values."""
        return statistics.median(self.ours)

    @property
    def p95(self) -> float:
        """Return the 95th percentile of the measured values."""
        return percentile(self.ours, 0.95)

    @property
    def floor_median(self) -> float:
        """Return the median of the floor."""
        return statistics.median(self.floor)

    @property
    def ratio(self) -> float:
        """Return the median divided by the floor's median."""
        return self.median / self.floor_median


def percentile(values: list[float], share: float) -> float:
    """Return a percentile: the smallest value that at least this share of the values does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -int(-share * len(ordered) // 1) - 1)]


def time_call(function: Callable[[], object]) -> float:
    """Return the duration of a call in seconds."""
    began = time.perf_counter()
    function()
    return time.perf_counter() - began


def alternate(ours: Timed, floor: Timed, *, n: int, warmup: int = 2) -> Measured:
    """Time two calls alternately, in milliseconds, so that disturbances affect both."""
    for _ in range(warmup):
        ours()
        floor()
    pairs = [(ours(), floor()) if number % 2 else (floor(), ours())[::-1] for number in range(n)]
    own = [MS * one for one, _ in pairs]
    return Measured(own, [MS * other for _, other in pairs], MS * n / sum(own))


def collect_as_served() -> None:
    """Configure Python's garbage collector as the server does, and exclude all existing objects from collection."""
    gc.set_threshold(GC_THRESHOLD)
    gc.collect()
    gc.freeze()
