"""Reliability: the difference between a score and the share of correct answers.

Sources: ECE, MCE: Naeini, Cooper and Hauskrecht, "Obtaining Well Calibrated Probabilities Using Bayesian Binning",
2015, as in lm-polygraph (`ECE`). Brier score: scikit-learn (`brier_score_loss`).
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.decisions.bootstrap import Counts, Floats


class Errors(NamedTuple):
    """Calibration errors in each of B resamples.

    Attributes:
        ece: |accuracy - mean score| of each bin, averaged over the labels, 0…1.
        mce: the largest of these differences, 0…1.
        brier: mean of (score - correct)², 0…1.
    """

    ece: Floats
    mce: Floats
    brier: Floats


class Bins(NamedTuple):
    """Labels by score, in bins (lo, hi] of equal width. The first bin includes lo. Means of an empty bin are NaN."""

    edges: Floats
    n: NDArray[np.int64]
    mean: Floats
    accuracy: Floats


@dataclass(frozen=True, slots=True)
class Reliability:
    """N labels with a score in 0…1, in bins of equal width.

    Attributes:
        values: [N] the scores.
        right: [N] 1.0 for a correct answer, else 0.0.
        edges: [bins + 1] the limits of the bins.
        index: [N] the bin of each label.
    """

    values: Floats
    right: Floats
    edges: Floats
    index: NDArray[np.int64]

    def fill_bins(self) -> Bins:
        """Return the bins of the labels."""
        n, values, right = (self._sum(one[None])[0] for one in (np.ones(len(self.values)), self.values, self.right))
        with np.errstate(invalid="ignore"):
            return Bins(self.edges, n.astype(np.int64), values / n, right / n)

    def measure(self, counts: Counts) -> Errors:
        """Measure the calibration errors in each resample [B, N] of the labels."""
        n, gaps = self._sum(counts), np.abs(self._sum(counts * (self.right - self.values)))
        total = n.sum(axis=1)
        brier = counts @ (self.values - self.right) ** 2 / total
        return Errors(gaps.sum(axis=1) / total, (gaps / np.maximum(n, 1)).max(axis=1), brier)

    def _sum(self, weights: NDArray[Any]) -> Floats:
        """Sum the weights [B, N] of the labels in each bin: [B, bins]."""
        rows, bins = len(weights), len(self.edges) - 1
        place = self.index + np.arange(rows)[:, None] * bins
        sums = np.bincount(place.ravel(), weights.ravel(), rows * bins)
        return sums.reshape(rows, bins).astype(np.float64)


def sort_into_bins(values: Floats, right: NDArray[np.bool_], bins: int) -> Reliability:
    """Sort labels with a score in 0…1 into bins of equal width."""
    edges = np.arange(bins + 1) / bins
    index = np.clip(np.searchsorted(edges, values) - 1, 0, bins - 1)
    return Reliability(values, right.astype(np.float64), edges, index)
