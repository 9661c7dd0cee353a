"""Calibration: how often answers with a given score are correct."""

from collections.abc import Sequence

import numpy as np

from core.decisions.bootstrap import Interval, bootstrap
from core.decisions.ranking import rank
from core.decisions.reliability import Reliability, sort_into_bins
from core.statistics.labels import count_labelled, read_labels
from core.statistics.scores import Score
from core.statistics.store import LabelRow
from core.wire.models import Frozen

ENOUGH = 100
"""Minimum number of labeled requests for meaningful results."""
DEFAULT_BINS = 15
MAX_BINS = 100


class CalibrationBin(Frozen):
    """Labeled requests with lo < confidence ≤ hi; the first bin includes lo. The means of an empty bin are None."""

    lo: float
    hi: float
    n: int
    mean_confidence: float | None
    accuracy: float | None


class Intervals(Frozen):
    """The measures of a calibration with their 95 % bootstrap intervals."""

    ece: Interval | None = None
    mce: Interval | None = None
    brier: Interval | None = None
    auroc: Interval


class Calibration(Frozen):
    """One score compared with the recorded outcomes.

    Attributes:
        score: the score.
        n: number of labeled requests that have the score.
        enough: whether n is large enough for meaningful results.
        message: how to interpret the result.
        ece: expected calibration error, 0…1: |accuracy - mean confidence| of each bin, averaged over the labels.
        mce: maximum calibration error, 0…1: the largest of these differences.
        brier: mean of (confidence - correct)², 0…1.
        auroc: probability that a correct answer scores as more certain than an incorrect one, ties counting half, 0…1.
            0.5 means that the score carries no information.
        intervals: these four with their 95 % bootstrap intervals.
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
    intervals: Intervals | None = None
    bins: list[CalibrationBin] | None = None


def calibrate(score: Score, rows: Sequence[LabelRow], *, bins: int = DEFAULT_BINS) -> Calibration:
    """Compute the calibration of the only score in the rows. Pure function."""
    labels = read_labels(rows, score).drop_missing()
    if len(labels) < ENOUGH:
        message = f"{count_labelled(len(labels))}; at least {ENOUGH} are needed"
        return Calibration(score=score, n=len(labels), enough=False, message=message)
    ranking = rank(labels.certainty, labels.right)
    if not score.is_probability_like:
        message = f"{score.value} is not a probability; it can rank answers (auroc) but can't be compared with accuracy"
        (auroc,) = bootstrap(len(labels), lambda counts: ranking.measure(counts).auroc[None])
        return _make_calibration(score, len(labels), message, Intervals(auroc=auroc))
    reliability = sort_into_bins(labels.values, labels.right, bins)
    message = "accuracy per score on these labeled requests; it can differ for other questions"
    if score is Score.P_CORRECT:
        message = "accuracy per probability; the labels that a calibrator was fitted to make it look better than it is"
    errors = bootstrap(
        len(labels), lambda counts: np.stack([*reliability.measure(counts), ranking.measure(counts).auroc])
    )
    intervals = Intervals(**dict(zip(("ece", "mce", "brier", "auroc"), errors, strict=True)))
    return _make_calibration(score, len(labels), message, intervals, _list_bins(reliability))


def _make_calibration(
    score: Score, n: int, message: str, intervals: Intervals, bins: list[CalibrationBin] | None = None
) -> Calibration:
    values = {name: one and one.value for name, one in intervals}
    return Calibration(score=score, n=n, enough=True, message=message, intervals=intervals, bins=bins, **values)


def _list_bins(reliability: Reliability) -> list[CalibrationBin]:
    filled = reliability.fill_bins()
    means = zip(filled.edges[:-1], filled.edges[1:], filled.n, filled.mean, filled.accuracy, strict=True)
    return [
        CalibrationBin(lo=lo, hi=hi, n=n, mean_confidence=mean if n else None, accuracy=accuracy if n else None)
        for lo, hi, n, mean, accuracy in means
    ]
