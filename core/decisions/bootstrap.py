"""Bootstrap intervals: the spread of a measure over resamples of the labeled requests.

Source: Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13 (percentile intervals).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]
"""[resamples, n]: how often each label occurs in each resample."""

RESAMPLES = 1000
MIN_RESAMPLES = 150
MAX_DRAWS = 3_000_000
"""Draws of one bootstrap. From 3,000 labels on, it has fewer resamples."""
BLOCK_DRAWS = 50_000
"""Draws that are in memory at once: few enough for the cache of a core."""
LEVEL = 0.95
SEED = 20_250_601
"""The seed of every bootstrap, so that the same labels always have the same intervals."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A measure on the labels, and its 95 % bootstrap interval. None if it can't be computed on them."""

    value: float | None
    lo: float | None
    hi: float | None


def count_once(n: int) -> Counts:
    """Return the counts of the labels themselves, as a single resample [1, n]."""
    return np.ones((1, n), np.int64)


def draw_resamples(n: int) -> Iterator[Counts]:
    """Draw n of n > 0 labels with replacement, many times. Yields the resamples in blocks."""
    left = max(MIN_RESAMPLES, min(RESAMPLES, MAX_DRAWS // n))
    generator = np.random.default_rng(SEED)
    while left:
        rows = min(left, max(1, BLOCK_DRAWS // n))
        drawn = generator.integers(n, size=(rows, n)) + np.arange(rows)[:, None] * n
        yield np.bincount(drawn.ravel(), minlength=rows * n).reshape(rows, n)
        left -= rows


def bootstrap(n: int, measure: Callable[[Counts], Floats]) -> list[Interval]:
    """Compute M measures of n > 0 labels, with their intervals.

    Args:
        n: number of labels.
        measure: computes the measures [M, B] of B resamples. NaN where one is not defined.
    """
    values = measure(count_once(n))[:, 0]
    samples = np.concatenate([measure(counts) for counts in draw_resamples(n)], axis=1)
    return [_make_interval(value, row) for value, row in zip(values.tolist(), samples, strict=True)]


def _make_interval(value: float, samples: Floats) -> Interval:
    """Return the percentile interval of a measure from its values in resamples. NaN where it is not defined."""
    defined = samples[~np.isnan(samples)]
    if np.isnan(value) or not len(defined):
        return Interval(None, None, None)
    lo, hi = np.quantile(defined, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(value, float(lo), float(hi))
