"""DeepConf's group confidence: the mean of token_confidence over a window that slides by one token.

A text shorter than the window has one window, all of it. Nats, ≥ 0, higher = more certain; the lowest window finds a
local collapse that the mean of a long answer hides. Only comparable at equal k and equal window. Source: DeepConf.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from core.confidence.table import Floats
from core.confidence.token import Token, TokenScores

DEFAULT_WINDOW = 32
"""Tokens in a window. DeepConf uses 2048 for long reasoning; the answers seen here are shorter."""

PROFILE_PARTS = 32
"""Numbers in a profile: what a small picture of a request has room for."""


def select_confidences(tokens: Sequence[Token], scores: Sequence[TokenScores]) -> list[tuple[int, float]]:
    """The series that windows slide over: (index, token_confidence) of the sampled tokens that have one."""
    return [
        (i, score.token_confidence)
        for i, (token, score) in enumerate(zip(tokens, scores, strict=True))
        if score.token_confidence is not None and token.sampled
    ]


def average_windows(values: ArrayLike, window: int) -> Floats:
    """The mean of each window, in order of the token it ends on; none for no values.

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


def group_confidences(
    tokens: Sequence[Token], scores: Sequence[TokenScores], window: int = DEFAULT_WINDOW
) -> list[float | None]:
    """group_confidence per token: the mean of the window that ends there.

    Null before the first full window (a text shorter than it has one, on its last token), and for tokens outside the
    series: forced, discarded, without a list, or with a masked one.
    """
    series = select_confidences(tokens, scores)
    means = average_windows([value for _, value in series], window)
    groups: list[float | None] = [None] * len(tokens)
    for (i, _), mean in zip(series[len(series) - len(means) :], means.tolist(), strict=True):
        groups[i] = mean
    return groups


def profile_groups(
    tokens: Sequence[Token], scores: Sequence[TokenScores], *, window: int = DEFAULT_WINDOW, parts: int = PROFILE_PARTS
) -> list[float]:
    """The lowest group confidence, nats, in each of up to `parts` equal parts of the request's windows, in order.

    The lowest of them is lowest_group_confidence: no part of a long answer hides a collapse. Empty without a window.
    """
    return profile_windows(average_windows([value for _, value in select_confidences(tokens, scores)], window), parts)


def profile_windows(means: Floats, parts: int = PROFILE_PARTS) -> list[float]:
    """The lowest mean in each of up to `parts` equal parts of a request's windows."""
    count = min(parts, means.size)
    starts = [i * means.size // count for i in range(count)]
    return np.minimum.reduceat(means, starts).tolist() if starts else []


def _sum_prefixes(values: Floats) -> tuple[Floats, Floats]:
    """Running sums from 0 and, beside them, the running sum of what rounding took from each (Knuth's TwoSum).

    Subtracting two plain running sums would lose digits as a text grows; adding each window anew costs its width.
    """
    high = np.concatenate(([0.0], np.cumsum(values)))
    total, after = high[:-1], high[1:]
    part = after - total
    error = (total - (after - part)) + (values - part)
    return high, np.concatenate(([0.0], np.cumsum(error)))
