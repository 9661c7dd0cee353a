"""DeepConf's group confidence: the mean of token_confidence over a window that slides by one token.

A text shorter than the window has one window, all of it. Nats, ≥ 0, higher = more certain; the lowest window finds a
local collapse that the mean of a long answer hides. Only comparable at equal k and equal window. Source: DeepConf.
"""

from collections.abc import Sequence
from itertools import pairwise

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


def average_windows(values: Sequence[float], window: int) -> list[float]:
    """The mean of each window, in order of the token it ends on; none for no values.

    Raises:
        ValueError: the window is below 1.
    """
    if window < 1:
        raise ValueError(f"a window of {window} tokens is too short (at least 1)")
    if not values:
        return []
    width = min(window, len(values))
    high, low = _sum_prefixes(values)
    return [
        ((high[end] - high[end - width]) + (low[end] - low[end - width])) / width
        for end in range(width, len(values) + 1)
    ]


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
    for (i, _), mean in zip(series[len(series) - len(means) :], means, strict=True):
        groups[i] = mean
    return groups


def profile_groups(
    tokens: Sequence[Token], scores: Sequence[TokenScores], *, window: int = DEFAULT_WINDOW, parts: int = PROFILE_PARTS
) -> list[float]:
    """The lowest group confidence, nats, in each of up to `parts` equal parts of the request's windows, in order.

    The lowest of them is lowest_group_confidence: no part of a long answer hides a collapse. Empty without a window.
    """
    means = average_windows([value for _, value in select_confidences(tokens, scores)], window)
    count = min(parts, len(means))
    bounds = [i * len(means) // count for i in range(count + 1)] if count else []
    return [min(means[start:end]) for start, end in pairwise(bounds)]


def _sum_prefixes(values: Sequence[float]) -> tuple[list[float], list[float]]:
    """Running sums and, beside them, what rounding took from each (Knuth's TwoSum).

    Subtracting two plain running sums would lose digits as a text grows; adding each window anew costs its width.
    """
    total = error = 0.0
    high, low = [total], [error]
    for value in values:
        after = total + value
        part = after - total
        error += (total - (after - part)) + (value - part)
        total = after
        high.append(total)
        low.append(error)
    return high, low
