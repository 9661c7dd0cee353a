"""The scores of a whole request, over its sampled tokens: neither forced by a mod nor discarded by a backtrack."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from sys import float_info

from core.confidence.token import Token, TokenScores, log_bound
from core.confidence.window import DEFAULT_WINDOW, average_windows, select_confidences

LOW_CONFIDENCE = 0.2
"""A token below this probability counts as one of low confidence."""

_MAX_EXPONENT = math.log(float_info.max)


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of the request the scores rest on; counts of tokens. Forced and discarded may be one and the same.

    Attributes:
        steps: all tokens.
        with_distribution: with a list.
        sampled: neither forced nor discarded: what every aggregate is over.
        sampled_in_top_k: sampled, and found in their list.
        forced: put there by a mod.
        discarded: removed by a backtrack.
        masked: with a list that has a masked entry.
    """

    steps: int
    with_distribution: int
    sampled: int
    sampled_in_top_k: int
    forced: int
    discarded: int
    masked: int


@dataclass(frozen=True, slots=True)
class SequenceScores:
    """The scores of a request; null where nothing was there to score. Each takes the sampled tokens that have it.

    Attributes:
        sequence_confidence: exp(mean ln p), 0…1, higher = more certain. Unknown tokens at their upper bound. Quote.
        sequence_confidence_is_bound: whether any token entered at its bound: then the true value is lower.
        perplexity: 1 / sequence_confidence, ≥ 1, higher = less certain; null beyond a float. Source: logprobe.
        sequence_nll: -Σ ln p, nats, ≥ 0, higher = less certain; grows with length. Source: lm-polygraph.
        min_token_probability: min p, 0…1, with the same bounds. Source: uqlm.
        min_token_index: the token it belongs to, an index into the request's tokens; the first of several.
        mean_token_entropy: nats, ≥ 0, higher = less certain. Source: lm-polygraph.
        mean_token_negentropy: 0…1, higher = more certain. Source: uqlm.
        min_token_negentropy: 0…1, higher = more certain. Source: uqlm.
        probability_margin: mean of margin, 0…1, higher = more certain. Source: uqlm.
        mean_confidence: mean of token_confidence, nats, ≥ 0, higher = more certain. This and the next: DeepConf.
        tail_confidence: the same over the last window.
        lowest_group_confidence: the lowest window.
        bottom_10pct_group_confidence: mean of the ⌊0.1·windows⌋ ≥ 1 lowest windows.
        window: tokens in a window, as asked for; a shorter text is one window.
        low_confidence_fraction: share with p (or its bound) < 0.2, 0…1, higher = less certain.
        coverage: how much of the request all this rests on.
    """

    sequence_confidence: float | None
    sequence_confidence_is_bound: bool | None
    perplexity: float | None
    sequence_nll: float | None
    min_token_probability: float | None
    min_token_index: int | None
    mean_token_entropy: float | None
    mean_token_negentropy: float | None
    min_token_negentropy: float | None
    probability_margin: float | None
    mean_confidence: float | None
    tail_confidence: float | None
    lowest_group_confidence: float | None
    bottom_10pct_group_confidence: float | None
    window: int
    low_confidence_fraction: float | None
    coverage: Coverage


def score_sequence(
    tokens: Sequence[Token], scores: Sequence[TokenScores], *, window: int = DEFAULT_WINDOW
) -> SequenceScores:
    """Scores a request from its scored tokens.

    A sampled token without list and logprob has neither probability nor bound: the means skip it, coverage shows it.

    Args:
        tokens: all of the request's.
        scores: what `score_tokens` gave for them.
        window: tokens in a DeepConf window, at least 1.

    Raises:
        ValueError: the window is below 1, or there are not as many scores as tokens.
    """
    sampled = [(i, row) for i, (token, row) in enumerate(zip(tokens, scores, strict=True)) if token.sampled]
    logs = [(log, i) for i, row in sampled if (log := log_bound(row)) is not None]
    lowest = min(logs, default=None)  # by value, then by index
    values = [log for log, _ in logs]
    confidences = [value for _, value in select_confidences(tokens, scores)]
    groups = average_windows(confidences, window)
    negentropies = [row.negentropy for _, row in sampled if row.negentropy is not None]
    return SequenceScores(
        sequence_confidence=average_probability(values),
        sequence_confidence_is_bound=any(row.prob is None and row.prob_upper_bound for _, row in sampled)
        if logs
        else None,
        perplexity=_measure_perplexity(values),
        sequence_nll=0.0 - math.fsum(values) if values else None,
        min_token_probability=math.exp(lowest[0]) if lowest else None,
        min_token_index=lowest[1] if lowest else None,
        mean_token_entropy=average(row.entropy for _, row in sampled),
        mean_token_negentropy=average(negentropies),
        min_token_negentropy=min(negentropies, default=None),
        probability_margin=average(row.margin for _, row in sampled),
        mean_confidence=average(confidences),
        tail_confidence=groups[-1] if groups else None,
        lowest_group_confidence=min(groups, default=None),
        bottom_10pct_group_confidence=average(sorted(groups)[: max(1, len(groups) // 10)]),
        window=window,
        low_confidence_fraction=average(float(math.exp(value) < LOW_CONFIDENCE) for value in values),
        coverage=count_coverage(tokens, scores),
    )


def count_coverage(tokens: Sequence[Token], scores: Sequence[TokenScores]) -> Coverage:
    """Counts what there was to score."""
    lists = [token.distribution for token in tokens if token.distribution is not None]
    return Coverage(
        steps=len(tokens),
        with_distribution=len(lists),
        sampled=sum(token.sampled for token in tokens),
        sampled_in_top_k=sum(token.sampled and row.rank is not None for token, row in zip(tokens, scores, strict=True)),
        forced=sum(token.forced for token in tokens),
        discarded=sum(token.discarded for token in tokens),
        masked=sum(distribution.masked for distribution in lists),
    )


def average(values: Iterable[float | None]) -> float | None:
    """The mean of those that are known; null if none is."""
    known = [value for value in values if value is not None]
    return math.fsum(known) / len(known) if known else None


def average_probability(logprobs: Sequence[float]) -> float | None:
    """exp(mean ln p), the geometric mean of the probabilities; null for none."""
    return math.exp(math.fsum(logprobs) / len(logprobs)) if logprobs else None


def _measure_perplexity(logprobs: Sequence[float]) -> float | None:
    """exp(-mean ln p), from the logs: 1/x would divide by zero where the confidence underflows."""
    if not logprobs:
        return None
    exponent = -math.fsum(logprobs) / len(logprobs)
    return math.exp(exponent) if exponent < _MAX_EXPONENT else None
