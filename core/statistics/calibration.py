"""Calibration: how often answers of a given score turned out right."""

import math
from bisect import bisect_left
from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from core.access.caller import Scope
from core.access.session import Access
from core.database.pool import reread
from core.statistics import store
from core.statistics.scores import Score
from core.statistics.store import Period

ENOUGH = 100
"""Labels below which none of these numbers means anything."""
DEFAULT_BINS = 15
MAX_BINS = 100

Values = Sequence[tuple[bool, float | None]]


class Frozen(BaseModel):
    """A part of an answer."""

    model_config = ConfigDict(frozen=True)


class CalibrationBin(Frozen):
    """Labels with lo < confidence ≤ hi; the first bin has its lo too. The means of an empty one are null."""

    lo: float
    hi: float
    n: int
    mean_confidence: float | None
    accuracy: float | None


class Calibration(Frozen):
    """One score against what sources outside said of the answers.

    Attributes:
        score: which.
        n: labels whose request has the score.
        enough: whether they are enough to say anything.
        message: what to know about these numbers.
        ece: expected calibration error: mean over the labels of their bin's |accuracy - mean confidence|, 0…1.
        mce: the largest of those gaps, 0…1.
        brier: mean of (confidence - correct)², 0…1.
        auroc: the chance that a right answer scores as surer than a wrong one, ties half, 0…1; 0.5 is worthless.
        bins: equal widths.
    """

    score: Score
    n: int
    enough: bool
    message: str
    ece: float | None = None
    mce: float | None = None
    brier: float | None = None
    auroc: float | None = None
    bins: list[CalibrationBin] | None = None


@reread
async def fetch_labels(access: Access, key: str | None, *, score: Score, source: str | None, period: Period) -> Values:
    """The labelled values of the caller's requests."""
    async with access.visit(key, Scope.READ) as visit:
        owner = visit.caller.owner_filter
        return await store.list_calibration_values(visit.conn, owner=owner, score=score, source=source, period=period)


def calibrate(score: Score, values: Values, *, bins: int = DEFAULT_BINS) -> Calibration:
    """Measure one score. Pure."""
    labels = [(value, correct) for correct, value in values if value is not None]
    if len(labels) < ENOUGH:
        message = f"{len(labels)} labelled requests are too few to say anything: {ENOUGH} are needed"
        return Calibration(score=score, n=len(labels), enough=False, message=message)
    auroc = measure_auroc([(-value if score.higher_is_less_certain else value, right) for value, right in labels])
    if not score.is_probability_like:
        message = f"{score.value} is no probability: it can rank answers (auroc), but not be compared with a share"
        return Calibration(score=score, n=len(labels), enough=True, message=message, auroc=auroc)
    filled = fill_bins(labels, bins)
    gaps = [
        (one.n, abs(one.accuracy - one.mean_confidence))
        for one in filled
        if one.accuracy is not None and one.mean_confidence is not None
    ]
    return Calibration(
        score=score,
        n=len(labels),
        enough=True,
        message="how often answers of such a score were right here; on other questions it may differ",
        ece=math.fsum(n * gap for n, gap in gaps) / len(labels),
        mce=max(gap for _, gap in gaps),
        brier=math.fsum((value - right) ** 2 for value, right in labels) / len(labels),
        auroc=auroc,
        bins=filled,
    )


def fill_bins(labels: Sequence[tuple[float, bool]], bins: int) -> list[CalibrationBin]:
    """Sort labels into equal widths (lo, hi], the first closed."""
    sorted_in: list[list[tuple[float, bool]]] = [[] for _ in range(bins)]
    edges = [index / bins for index in range(bins + 1)]
    for value, right in labels:
        sorted_in[_find_bin(value, edges)].append((value, right))
    return [
        CalibrationBin(
            lo=lo,
            hi=hi,
            n=len(inside),
            mean_confidence=math.fsum(value for value, _ in inside) / len(inside) if inside else None,
            accuracy=sum(right for _, right in inside) / len(inside) if inside else None,
        )
        for lo, hi, inside in zip(edges, edges[1:], sorted_in, strict=False)
    ]


def _find_bin(value: float, edges: list[float]) -> int:
    return min(max(bisect_left(edges, value) - 1, 0), len(edges) - 2)


def measure_auroc(labels: Sequence[tuple[float, bool]]) -> float | None:
    """The area under the ROC curve, as the Mann-Whitney statistic; null if all answers were alike."""
    positives = sum(right for _, right in labels)
    negatives = len(labels) - positives
    if not positives or not negatives:
        return None
    from scipy.stats import rankdata  # noqa: PLC0415 - a second of importing that only this endpoint pays

    ranks = rankdata([value for value, _ in labels])
    of_right = math.fsum(float(rank) for rank, (_, right) in zip(ranks, labels, strict=True) if right)
    return (of_right - positives * (positives + 1) / 2) / (positives * negatives)
