"""Drift: whether a score is distributed now as it was then."""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

from pydantic import BaseModel, ConfigDict

from core.access.caller import Scope
from core.access.session import Access
from core.database.pool import reread
from core.database.reading import together
from core.statistics import store
from core.statistics.scores import Score
from core.statistics.store import Period

HISTOGRAM_BINS = 20

Values = Sequence[tuple[int, float | None]]


class Frozen(BaseModel):
    """A part of an answer."""

    model_config = ConfigDict(frozen=True)


class Bin(Frozen):
    """Requests with lo ≤ value < hi; the last bin has its hi too."""

    lo: float
    hi: float
    n: int


class Side(Frozen):
    """One side of a comparison; both have the same bins."""

    n: int
    histogram: list[Bin]


class Drift(Frozen):
    """Two periods compared.

    Attributes:
        score: which.
        k: the length of the top-k lists of the requests compared: scores of different k are not comparable.
        left_out: requests of another k, or without this score.
        ks_statistic: two-sample Kolmogorov-Smirnov, 0…1. Source: scipy.stats.ks_2samp.
        ks_pvalue: its p-value, two-sided.
        wasserstein: the earth mover's distance, in the score's unit. Source: scipy.stats.wasserstein_distance.
        baseline: then.
        current: now.
    """

    score: Score
    k: int | None
    left_out: int
    ks_statistic: float | None
    ks_pvalue: float | None
    wasserstein: float | None
    baseline: Side
    current: Side


@reread
async def fetch_sides(
    access: Access, key: str | None, *, score: Score, baseline: Period, current: Period
) -> tuple[Values, Values]:
    """The values of both periods, of the caller's requests."""
    async with access.visit(key, Scope.READ) as visit:
        owner = visit.caller.owner_filter
        return await together(
            visit.conn,
            store.list_drift_values(visit.conn, owner=owner, score=score, period=baseline),
            store.list_drift_values(visit.conn, owner=owner, score=score, period=current),
        )


def compare(score: Score, sides: tuple[Values, Values], k: int | None = None) -> Drift:
    """Compare two sides at one k: the given one, else the one that both sides have most of. Pure; may take a second."""
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
    from scipy import stats  # noqa: PLC0415 - a second of importing that only this endpoint pays

    result = stats.ks_2samp(before, after)
    return float(result.statistic), float(result.pvalue), float(stats.wasserstein_distance(before, after))


def _make_edges(values: list[float]) -> list[float]:
    if not values:
        return []
    lowest, highest = min(values), max(values)
    edges = [lowest + (highest - lowest) * place / HISTOGRAM_BINS for place in range(HISTOGRAM_BINS)] + [highest]
    # Values that lie closer together than numbers do leave no room for bins.
    rising = all(lo < hi for lo, hi in pairwise(edges))
    return edges if rising else [lowest, highest]


def _make_side(values: list[float], edges: list[float]) -> Side:
    if not edges:
        return Side(n=0, histogram=[])
    import numpy as np  # noqa: PLC0415 - as above

    counts, _ = np.histogram(values, bins=edges)
    bins = [Bin(lo=lo, hi=hi, n=int(n)) for lo, hi, n in zip(edges, edges[1:], counts, strict=False)]
    return Side(n=len(values), histogram=bins)
