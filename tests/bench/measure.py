"""Numbers from repeated calls: paired where they are compared, because the machine's speed changes while one looks."""

import gc
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from functions.web.context import GC_THRESHOLD

Timed = Callable[[], float]
"""Does something once and says how many seconds that took, preparations left out."""

MS = 1000.0


@dataclass(frozen=True)
class Check:
    """Something else that is asked of a case, in words, and whether it is so."""

    text: str
    ok: bool


@dataclass(frozen=True)
class Measured:
    """What came of a case, in its unit.

    Attributes:
        ours: a value of each repetition.
        floor: the same of the floor.
        per_second: how many were done in a second; null where that says nothing.
        checks: what else is asked of it.
        notes: what else was seen.
    """

    ours: list[float]
    floor: list[float]
    per_second: float | None = None
    checks: list[Check] = field(default_factory=list[Check])
    notes: list[str] = field(default_factory=list[str])

    @property
    def median(self) -> float:
        """Half of ours are below it."""
        return statistics.median(self.ours)

    @property
    def p95(self) -> float:
        """All but a twentieth of ours are below it."""
        return percentile(self.ours, 0.95)

    @property
    def floor_median(self) -> float:
        """Half of the floor's are below it."""
        return statistics.median(self.floor)

    @property
    def ratio(self) -> float:
        """Ours by the floor's."""
        return self.median / self.floor_median


def percentile(values: list[float], share: float) -> float:
    """The smallest value that so great a share is not above."""
    ordered = sorted(values)
    return ordered[max(0, -int(-share * len(ordered) // 1) - 1)]


def time_call(function: Callable[[], object]) -> float:
    """Seconds that a call takes."""
    began = time.perf_counter()
    function()
    return time.perf_counter() - began


def alternate(ours: Timed, floor: Timed, *, n: int, warmup: int = 2) -> Measured:
    """Both in turn, so that what disturbs one disturbs the other, too; in milliseconds."""
    for _ in range(warmup):
        ours()
        floor()
    pairs = [(ours(), floor()) if number % 2 else (floor(), ours())[::-1] for number in range(n)]
    own = [MS * one for one, _ in pairs]
    return Measured(own, [MS * other for _, other in pairs], MS * n / sum(own))


def collect_as_served() -> None:
    """Set Python's collector as the server sets its own, and leave out of it what is there already."""
    gc.set_threshold(GC_THRESHOLD)
    gc.collect()
    gc.freeze()
