"""DeepConf's group confidence: the mean of token_confidence over a window that slides by one token.

A text shorter than the window has one window, all of it. Nats, ≥ 0, higher = more certain; the lowest window finds a
local collapse that the mean of a long answer hides. Only comparable at equal k and equal window. Source: DeepConf.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from core.confidence.table import Flags, Floats
from core.confidence.token import Token, TokenScores

DEFAULT_WINDOW = 32
"""Tokens in a window. DeepConf uses 2048 for long reasoning; the answers seen here are shorter."""

PROFILE_PARTS = 32
"""Numbers in a profile: what a small picture of a request has room for."""


def slide_windows(confidences: Floats, sampled: Flags, window: int = DEFAULT_WINDOW) -> Floats:
    """The group_confidence of each of N tokens: the mean of the window that ends there.

    NaN before the first full window (a text shorter than it has one, on its last token), and for tokens outside the
    series: forced, discarded, without a list, or with a masked one.

    Args:
        confidences: [N] the token_confidence of each token, NaN where it has none.
        sampled: [N] which tokens were neither forced nor discarded.
        window: tokens in a window.

    Raises:
        ValueError: the window is below 1.
    """
    series = np.flatnonzero(sampled & ~np.isnan(confidences))
    means = average_windows(confidences[series], window)
    groups = np.full(confidences.size, np.nan)
    groups[series[series.size - means.size :]] = means
    return groups


def average_windows(values: ArrayLike, window: int) -> Floats:
    """The mean of each window, in order of the token it ends on; empty for no values.

    Raises:
        ValueError: the window is below 1.
    """
    if window < 1:
        raise ValueError(f"a window of {window} tokens is too short (at least 1)")
    series = np.asarray(values, np.float64)
    if not series.size:
        return series
    width = min(window, series.size)
    high, low = _sum_prefixes(series)
    return ((high[width:] - high[:-width]) + (low[width:] - low[:-width])) / width


def profile_windows(means: Floats, parts: int = PROFILE_PARTS) -> list[float]:
    """The lowest mean in each of up to `parts` equal parts of a request's windows, in order; empty without a window.

    The lowest of them is lowest_group_confidence: no part of a long answer hides a collapse.
    """
    count = min(parts, means.size)
    starts = [i * means.size // count for i in range(count)]
    return np.minimum.reduceat(means, starts).tolist() if starts else []


def group_confidences(
    tokens: Sequence[Token], scores: Sequence[TokenScores], window: int = DEFAULT_WINDOW
) -> list[float | None]:
    """The group_confidence of each token, as `slide_windows` gives it; None for NaN."""
    confidences = np.array([row.token_confidence for row in scores], np.float64)
    sampled = np.array([token.sampled for token in tokens], np.bool_)
    groups = slide_windows(confidences, sampled, window).tolist()
    return [None if math.isnan(group) else group for group in groups]


def _sum_prefixes(values: Floats) -> tuple[Floats, Floats]:
    """Running sums from 0 and, beside them, the running sum of what rounding took from each (Knuth's TwoSum).

    Subtracting two plain running sums would lose digits as a text grows; adding each window anew costs its width.
    """
    high = np.concatenate(([0.0], np.cumsum(values)))
    total, after = high[:-1], high[1:]
    part = after - total
    error = (total - (after - part)) + (values - part)
    return high, np.concatenate(([0.0], np.cumsum(error)))
