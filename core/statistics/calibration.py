"""Calibration: how often answers with a given score are correct."""

import math
from bisect import bisect_left
from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from core.statistics.scores import Score
from core.statistics.store import LabelRow

ENOUGH = 100
"""Minimum number of labelled requests for meaningful results."""
DEFAULT_BINS = 15
MAX_BINS = 100


class Frozen(BaseModel):
    """Base of the immutable models in a response."""

    model_config = ConfigDict(frozen=True)


class CalibrationBin(Frozen):
    """Labelled requests with lo < confidence ≤ hi; the first bin includes lo. The means of an empty bin are None."""

    lo: float
    hi: float
    n: int
    mean_confidence: float | None
    accuracy: float | None


class Calibration(Frozen):
    """One score compared with the recorded outcomes.

    Attributes:
        score: the score.
        n: number of labelled requests that have the score.
        enough: whether n is large enough for meaningful results.
        message: how to interpret the result.
        ece: expected calibration error, 0…1: |accuracy - mean confidence| of each bin, averaged over the labels.
        mce: maximum calibration error, 0…1: the largest of these differences.
        brier: mean of (confidence - correct)², 0…1.
        auroc: probability that a correct answer scores as more certain than an incorrect one, ties counting half, 0…1.
            0.5 means that the score carries no information.
        bins: bins of equal width.
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


def calibrate(score: Score, rows: Sequence[LabelRow], *, bins: int = DEFAULT_BINS) -> Calibration:
    """Compute the calibration of the only score in the rows. Pure function."""
    labels = [(value, row.correct) for row in rows for value in row.scores if value is not None]
    if len(labels) < ENOUGH:
        message = f"{len(labels)} labelled requests; at least {ENOUGH} are needed"
        return Calibration(score=score, n=len(labels), enough=False, message=message)
    auroc = measure_auroc([(-value if score.higher_is_less_certain else value, right) for value, right in labels])
    if not score.is_probability_like:
        message = f"{score.value} is not a probability; it can rank answers (auroc) but can't be compared with accuracy"
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
        message="accuracy per score on these labelled requests; it can differ for other questions",
        ece=math.fsum(n * gap for n, gap in gaps) / len(labels),
        mce=max(gap for _, gap in gaps),
        brier=math.fsum((value - right) ** 2 for value, right in labels) / len(labels),
        auroc=auroc,
        bins=filled,
    )


def fill_bins(labels: Sequence[tuple[float, bool]], bins: int) -> list[CalibrationBin]:
    """Sort labels into bins (lo, hi] of equal width; the first bin includes lo."""
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
    """Compute the area under the ROC curve (Mann-Whitney statistic). None if all answers are correct or all are not."""
    positives = sum(right for _, right in labels)
    negatives = len(labels) - positives
    if not positives or not negatives:
        return None
    from scipy.stats import rankdata  # noqa: PLC0415 - takes a second to import; only this endpoint needs it

    ranks = rankdata([value for value, _ in labels])
    of_right = math.fsum(float(rank) for rank, (_, right) in zip(ranks, labels, strict=True) if right)
    return (of_right - positives * (positives + 1) / 2) / (positives * negatives)
