"""Measure a calibrator on labels that it was not fitted to, with bootstrap intervals. Pure functions."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.calibrators.fit import Flags, Floats, Method, fit
from core.decisions.bootstrap import SEED, Counts, Interval, bootstrap
from core.decisions.reliability import sort_into_bins
from core.statistics.calibration import DEFAULT_BINS
from core.statistics.scores import Score

FOLDS = 10


@dataclass(frozen=True, slots=True)
class Comparison:
    """An error measure before and after calibration. `before` is None if the score is not a probability."""

    before: Interval | None
    after: Interval


@dataclass(frozen=True, slots=True)
class Quality:
    """The errors of a calibrator. Each label is predicted by a calibrator that was fitted without it.

    Attributes:
        folds: number of parts that the labels are divided into.
        ece: expected calibration error with 15 bins of equal width, 0…1.
        brier: mean of (probability - correct)², 0…1.
    """

    folds: int
    ece: Comparison
    brier: Comparison


def cross_validate(method: Method, score: Score, scores: Floats, correct: Flags) -> Quality:
    """Measure the errors of a method by stratified cross-validation, always with the same folds and resamples."""
    after = _measure(predict_held_out(method, score, scores, correct), correct)
    before = _measure(scores, correct) if score.is_probability_like else [None, None]
    return Quality(FOLDS, *map(Comparison, before, after))


def predict_held_out(method: Method, score: Score, scores: Floats, correct: Flags) -> Floats:
    """Return the probability of each label by a calibrator that was fitted to the labels of the other folds."""
    folds, predicted = assign_folds(correct), np.empty_like(scores)
    for fold in range(FOLDS):
        held = folds == fold
        predicted[held] = fit(method, score, scores[~held], correct[~held]).apply(scores[held])
    return predicted


def assign_folds(correct: Flags) -> NDArray[np.int64]:
    """Return the fold of each label. The share of correct answers is as equal in all folds as possible."""
    folds, order = np.empty(len(correct), np.int64), np.random.default_rng(SEED).permutation(len(correct))
    folds[order[np.argsort(correct[order], kind="stable")]] = np.arange(len(correct)) % FOLDS
    return folds


def _measure(values: Floats, correct: Flags) -> list[Interval]:
    """Return the ECE and the Brier score."""
    labels = sort_into_bins(values, correct, DEFAULT_BINS)

    def measure(counts: Counts) -> Floats:
        errors = labels.measure(counts)
        return np.stack([errors.ece, errors.brier])

    return bootstrap(len(values), measure)
