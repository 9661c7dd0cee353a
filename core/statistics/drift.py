"""Drift: whether the distribution of a score has changed between two periods."""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

from core.access.access import Access
from core.access.caller import Scope
from core.database.pool import retry_read
from core.database.reading import together
from core.statistics import store
from core.statistics.narrow import narrow
from core.statistics.scores import Score
from core.traces.filters import Filters
from core.wire.models import Frozen

HISTOGRAM_BINS = 20

Values = Sequence[tuple[int, float | None]]


class Bin(Frozen):
    """Number of requests with lo ≤ value < hi; the last bin includes hi."""

    lo: float
    hi: float
    n: int


class Side(Frozen):
    """One period of a comparison. Both periods have the same bins."""

    n: int
    histogram: list[Bin]


class Drift(Frozen):
    """Two periods compared.

    Attributes:
        score: the score.
        k: length of the top-k lists. Only requests with the same k are comparable.
        left_out: number of requests with a different k or without this score.
        ks_statistic: two-sample Kolmogorov-Smirnov statistic, 0…1. Source: scipy.stats.ks_2samp.
        ks_pvalue: two-sided p-value of the statistic.
        wasserstein: earth mover's distance, in the score's unit. Source: scipy.stats.wasserstein_distance.
        baseline: the earlier period.
        current: the later period.
    """

    score: Score
    k: int | None
    left_out: int
    ks_statistic: float | None
    ks_pvalue: float | None
    wasserstein: float | None
    baseline: Side
    current: Side


@retry_read
async def fetch_sides(
    access: Access, key: str | None, *, score: Score, baseline: Filters, current: Filters
) -> tuple[Values, Values]:
    """Fetch (k, value) of the caller's requests in both periods."""
    async with access.session(key, Scope.READ) as session:
        sides = [await narrow(session, filters) for filters in (baseline, current)]
        limits = {"score": score.value, "limit": store.MAX_VALUES}
        one, other = (store.LIST_DRIFT_VALUES.fetch_all(session.conn, filters=side, **limits) for side in sides)
        return await together(session.conn, one, other)


def compare(score: Score, sides: tuple[Values, Values], k: int | None = None) -> Drift:
    """Compare two periods at one k, by default the k that is most frequent in both.

    Pure function. It can take a second, mostly for importing scipy.
    """
    k = _choose_k(sides) if k is None else k
    before, after = ([value for one, value in side if one == k and value is not None] for side in sides)
    statistic, pvalue, distance = _test(before, after)
    edges = _make_edges([*before, *after])
    return Drift(
        score=score,
        k=k,
        left_out=sum(map(len, sides)) - len(before) - len(after),
        ks_statistic=statistic,
        ks_pvalue=pvalue,
        wasserstein=distance,
        baseline=_make_side(before, edges),
        current=_make_side(after, edges),
    )


def _choose_k(sides: tuple[Values, Values]) -> int | None:
    before, after = (Counter(k for k, value in side if value is not None) for side in sides)
    found = before | after
    return max(found, key=lambda k: (min(before[k], after[k]), before[k] + after[k], k), default=None)


def _test(before: list[float], after: list[float]) -> tuple[float | None, float | None, float | None]:
    if not before or not after:
        return None, None, None
    from scipy import stats  # noqa: PLC0415 - takes a second to import; only this endpoint needs it

    result = stats.ks_2samp(before, after)
    return float(result.statistic), float(result.pvalue), float(stats.wasserstein_distance(before, after))


def _make_edges(values: list[float]) -> list[float]:
    if not values:
        return []
    lowest, highest = min(values), max(values)
    edges = [lowest + (highest - lowest) * i / HISTOGRAM_BINS for i in range(HISTOGRAM_BINS)] + [highest]
    # If the values are too close together for floats, the edges do not increase: use one bin.
    rising = all(lo < hi for lo, hi in pairwise(edges))
    return edges if rising else [lowest, highest]


def _make_side(values: list[float], edges: list[float]) -> Side:
    if not edges:
        return Side(n=0, histogram=[])
    import numpy as np  # noqa: PLC0415 - imported with scipy, as above

    counts, _ = np.histogram(values, bins=edges)
    bins = [Bin(lo=lo, hi=hi, n=int(n)) for lo, hi, n in zip(edges, edges[1:], counts, strict=False)]
    return Side(n=len(values), histogram=bins)
