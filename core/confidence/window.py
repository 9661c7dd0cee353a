"""DeepConf's group confidence: the mean of token_confidence over a window that slides by one token.

A text shorter than the window is one window. Nats, ≥ 0, higher = more certain. The lowest window reveals a local drop
in confidence that the mean of a long answer hides. Comparable only at equal k and equal window. Source: DeepConf.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from core.confidence.table import Flags, Floats
from core.confidence.token import Token, TokenScores

DEFAULT_WINDOW = 32
"""Tokens per window. DeepConf uses 2048 for long reasoning; Thunder's traces are shorter."""

PROFILE_PARTS = 32
"""Values in a profile: enough for a small chart of a request."""


def slide_windows(confidences: Floats, sampled: Flags, window: int = DEFAULT_WINDOW) -> Floats:
    """Return the group_confidence [N] of each token: the mean of the window that ends there.

    NaN before the first full window, and for tokens that are forced, discarded, without a list, or with a masked list
    entry. A text shorter than the window has one value, on its last token.

    Args:
        confidences: [N] token_confidence of each token; NaN where it has none.
        sampled: [N] whether the token was neither forced nor discarded.
        window: tokens per window.

    Raises:
        ValueError: the window is below 1.
    """
    series = np.flatnonzero(sampled & ~np.isnan(confidences))
    means = average_windows(confidences[series], window)
    groups = np.full(confidences.size, np.nan)
    groups[series[series.size - means.size :]] = means
    return groups


def average_windows(values: ArrayLike, window: int) -> Floats:
    """Return the mean of each window, ordered by the token it ends on; empty for no values.

    Raises:
        ValueError: the window is below 1.
    """
    if window < 1:
        raise ValueError(f"window: must be at least 1, not {window}")
    series = np.asarray(values, np.float64)
    if not series.size:
        return series
    width = min(window, series.size)
    high, low = _sum_prefixes(series)
    return ((high[width:] - high[:-width]) + (low[width:] - low[:-width])) / width


def profile_windows(means: Floats, parts: int = PROFILE_PARTS) -> list[float]:
    """Split a request's windows into up to `parts` equal parts and return the lowest mean of each, in order.

    The lowest value equals lowest_group_confidence. Empty if there are no windows.
    """
    count = min(parts, means.size)
    starts = [i * means.size // count for i in range(count)]
    return np.minimum.reduceat(means, starts).tolist() if starts else []


def group_confidences(
    tokens: Sequence[Token], scores: Sequence[TokenScores], window: int = DEFAULT_WINDOW
) -> list[float | None]:
    """Return the group_confidence of each token as `slide_windows` defines it, with None in place of NaN."""
    confidences = np.array([row.token_confidence for row in scores], np.float64)
    sampled = np.array([token.sampled for token in tokens], np.bool_)
    groups = slide_windows(confidences, sampled, window).tolist()
    return [None if math.isnan(group) else group for group in groups]


def _sum_prefixes(values: Floats) -> tuple[Floats, Floats]:
    """Return running sums from 0 and the running sums of their rounding errors (Knuth's TwoSum).

    Subtracting two plain running sums loses digits as the text grows. Summing each window separately costs its width.
    """
    high = np.concatenate(([0.0], np.cumsum(values)))
    total, after = high[:-1], high[1:]
    part = after - total
    error = (total - (after - part)) + (values - part)
    return high, np.concatenate(([0.0], np.cumsum(error)))
