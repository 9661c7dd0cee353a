"""Measures of a ranking: whether a score places correct answers before wrong ones.

Sources: AURC: Geifman and El-Yaniv, arXiv 1705.08500. PRR: Malinin and Gales, arXiv 2002.07650, as in lm-polygraph
(`PredictionRejectionArea`). AUROC: scikit-learn (`roc_auc_score`). Labels with the same score count as one step: the
result is the mean over all orders of them.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.decisions.bootstrap import Counts, Floats

Bools = NDArray[np.bool_]


class Quality(NamedTuple):
    """Measures of a ranking in each of B resamples. NaN where all labels are correct, or all are incorrect.

    Attributes:
        aurc: area under the risk-coverage curve, 0…1: the mean risk over all coverages. Defined in either case.
        prr: prediction rejection ratio: 1 ranks perfectly, 0 like chance, and less than 0 worse than chance.
        auroc: the probability that a correct answer is more certain than an incorrect one. Ties count half.
    """

    aurc: Floats
    prr: Floats
    auroc: Floats


class Curve(NamedTuple):
    """The risk-coverage curve, from the most certain to the least. One point per distinct score.

    Attributes:
        last: the index of a label with the score of the point.
        coverage: the share of labels that are at least as certain, 0…1.
        risk: the share of incorrect answers among them, 0…1.
    """

    last: NDArray[np.int64]
    coverage: Floats
    risk: Floats


@dataclass(frozen=True, slots=True)
class Ranking:
    """The N of L labels that have a certainty, the most certain first, in G groups of equal certainty.

    Attributes:
        order: [N] the indices of the labels.
        starts: [G] the first position of each group in `order`.
        right: [N] whether each answer is right, in this order.
    """

    order: NDArray[np.int64]
    starts: NDArray[np.int64]
    right: Bools

    def draw_curve(self) -> Curve:
        """Return the risk-coverage curve of the labels."""
        ends = np.append(self.starts[1:], len(self.order))
        wrong = np.cumsum(~self.right)[ends - 1]
        return Curve(self.order[ends - 1], ends / len(self.order), wrong / ends)

    def measure(self, counts: Counts) -> Quality:
        """Measure the ranking in each resample [B, L] of the labels."""
        size = counts[:, self.order]
        wrong = size * ~self.right
        if len(self.starts) < len(self.order):
            size, wrong = (np.add.reduceat(one, self.starts, axis=1) for one in (size, wrong))
        with np.errstate(invalid="ignore", divide="ignore"):
            return _measure(size, wrong)


def rank(certainty: Floats, right: Bools) -> Ranking:
    """Rank labels by certainty. At least one must have a certainty; those with NaN are left out."""
    order = np.argsort(-certainty, kind="stable")[: np.count_nonzero(~np.isnan(certainty))]
    ordered = certainty[order]
    starts = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
    return Ranking(order, starts, right[order])


def _measure(size: Counts, wrong: Counts) -> Quality:
    """Measure a ranking from the number of labels and of wrong ones in each group [B, G]."""
    ends = np.cumsum(size, axis=1)
    n, all_wrong = ends[:, -1], wrong.sum(axis=1)
    all_right = n - all_wrong
    harmonic = np.append(0, np.cumsum(1 / np.arange(1, n.max() + 1)))
    # A wrong label at position j adds 1/i to the risk at each position i ≥ j: together H(n) - H(j - 1). In a
    # group, each position is wrong at the group's rate.
    earlier = np.append(0, np.cumsum(harmonic))[ends]
    rate = wrong / np.maximum(size, 1)
    aurc = (harmonic[n] * all_wrong - _dot(rate, np.diff(earlier, axis=1, prepend=0))) / n
    chance, best = all_wrong / n, 1 - all_right * (1 + harmonic[n] - harmonic[all_right]) / n
    prr = np.where(all_right * all_wrong, (chance - aurc) / (chance - best), np.nan)
    # Mann-Whitney: the sum of the ranks of the wrong labels, less its minimum.
    wins = _dot(wrong, ends - (size - 1) / 2) - all_wrong * (all_wrong + 1) / 2
    return Quality(aurc, prr, wins / (all_right * all_wrong))


def _dot(one: Floats | Counts, other: Floats) -> Floats:
    """Sum the products of each row."""
    return np.einsum("bg,bg->b", one, other)
