"""Thresholds above which at most a given share of the answers is wrong, with a guarantee.

Fixed-sequence testing: the cuts are tried from the most certain labels on, in steps of 5 % of the labels, and the first
cut whose Clopper-Pearson bound exceeds the target ends the search. No later cut is tried, so the probability that any
accepted cut breaks the target is at most 1 - confidence, for any number of cuts. The cuts depend on the scores alone,
not on the outcomes. Cuts with so few labels that even one without a wrong answer would fail are skipped, which does not
depend on the outcomes either.

Sources: Clopper and Pearson, Biometrika 26 (1934); Angelopoulos et al., "Learn then Test", arXiv 2110.01052.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.decisions.bootstrap import Floats

STEPS = 20
"""Number of cuts: each accepts 5 % more of the labels."""
MAX_LABELS = 1_000_000
"""Largest number of labels that an estimate recommends."""


class Cut(NamedTuple):
    """The labels that a threshold accepts.

    Attributes:
        certainty: the least certainty that is accepted.
        n: the number of accepted labels.
        wrong: the number of incorrect answers among them.
        bound: the largest Clopper-Pearson bound of the cuts that were tried up to this one.
    """

    certainty: float
    n: int
    wrong: int
    bound: float


class Search(NamedTuple):
    """The result of a search.

    Attributes:
        certified: the last cut that passed; None if none passed.
        first: the first cut that was tried; None if there are too few labels for any.
    """

    certified: Cut | None
    first: Cut | None


def search_threshold(certainty: Floats, right: NDArray[np.bool_], *, target_error: float, confidence: float) -> Search:
    """Find the lowest threshold above which at most `target_error` of the answers are incorrect, with `confidence`."""
    cuts = _list_cuts(certainty, right, confidence, minimum=count_needed(target_error, confidence))
    passed = sum(cut.bound <= target_error for cut in cuts)  # the bounds never fall
    return Search(cuts[passed - 1] if passed else None, cuts[0] if cuts else None)


def _list_cuts(certainty: Floats, right: NDArray[np.bool_], confidence: float, *, minimum: int) -> list[Cut]:
    n, order = len(certainty), np.argsort(-certainty, kind="stable")
    ordered = -certainty[order]
    sizes = -(-np.arange(1, STEPS + 1) * n // STEPS)
    # A cut accepts all labels with the same score.
    accepted = np.unique(np.searchsorted(ordered, ordered[sizes - 1], side="right")) if n else sizes[:0]
    accepted = accepted[accepted >= minimum]
    wrong = np.cumsum(~right[order], dtype=np.int64)[accepted - 1]
    bounds = np.maximum.accumulate(bound_error(wrong, accepted, confidence))
    return [
        Cut(-float(ordered[m - 1]), int(m), int(errors), float(bound))
        for m, errors, bound in zip(accepted, wrong, bounds, strict=True)
    ]


def bound_error(wrong: NDArray[Any], n: NDArray[np.int64], confidence: float) -> Floats:
    """Compute the one-sided upper Clopper-Pearson bound of an error rate, for n > 0. `wrong` may be a fraction."""
    from scipy.special import betaincinv  # noqa: PLC0415 - slow to import; only the decisions need it

    return np.where(wrong < n, betaincinv(wrong + 1, np.where(wrong < n, n - wrong, 1), confidence), 1.0)


def count_needed(target_error: float, confidence: float) -> int:
    """Return the number of labels that certify a target if none of them is wrong."""
    return math.ceil(math.log1p(-confidence) / math.log1p(-target_error) - 1e-9)


def count_labels(rate: float, *, target_error: float, confidence: float) -> int | None:
    """Estimate the number of labels that certify a target if this share is wrong. None if it is over MAX_LABELS."""
    n = np.unique(np.geomspace(1, MAX_LABELS, 2000).astype(np.int64))
    passing = n[bound_error(rate * n, n, confidence) <= target_error]
    return int(passing[0]) if len(passing) else None


def find_possible_target(
    certainty: Floats, right: NDArray[np.bool_], *, target_error: float, confidence: float
) -> float | None:
    """Return the next larger target, rounded up to 0.001, that certifies a threshold; None if no target < 1 does."""
    while target_error < 1:
        found = search_threshold(certainty, right, target_error=target_error, confidence=confidence)
        if found.certified is not None or found.first is None:
            return target_error if found.certified else None
        # A larger target needs fewer labels, so an earlier cut may now be the first.
        target_error = math.ceil(found.first.bound * 1000) / 1000
    return None
