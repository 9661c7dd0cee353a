"""The scores of a whole request, over its sampled tokens: neither forced by a mod nor discarded by a backtrack."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from sys import float_info

import numpy as np

from core.confidence.columns import TokenColumns, to_columns
from core.confidence.table import Flags, Floats
from core.confidence.token import Token, TokenScores
from core.confidence.window import DEFAULT_WINDOW, profile_windows, slide_windows

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
    """Score a request from its scored tokens.

    Args:
        tokens: all of the request's.
        scores: what `score_tokens` gave for them.
        window: tokens in a DeepConf window, at least 1.

    Raises:
        ValueError: the window is below 1, or there are not as many scores as tokens.
    """
    if len(tokens) != len(scores):
        raise ValueError(f"{len(scores)} scores do not belong to {len(tokens)} tokens")
    sequence, _ = summarize_columns(
        to_columns(scores),
        forced=np.array([token.forced for token in tokens], np.bool_),
        discarded=np.array([token.discarded for token in tokens], np.bool_),
        masked=sum(token.distribution is not None and token.distribution.masked for token in tokens),
        window=window,
    )
    return sequence


def summarize_columns(
    columns: TokenColumns, *, forced: Flags, discarded: Flags, masked: int = 0, window: int = DEFAULT_WINDOW
) -> tuple[SequenceScores, list[float]]:
    """Score a request from the columns of its tokens, and profile its windows (`profile_windows`).

    A sampled token without list and logprob has neither probability nor bound: the means skip it, coverage shows it.

    Args:
        columns: the scores of all N tokens.
        forced: [N] put there by a mod.
        discarded: [N] removed by a backtrack.
        masked: how many tokens have a list with a masked entry.
        window: tokens in a DeepConf window, at least 1.

    Raises:
        ValueError: the window is below 1.
    """
    sampled = ~(forced | discarded)
    logs = bound_logs(columns)
    scored = np.flatnonzero(sampled & ~np.isnan(logs))
    values = logs[scored]
    lowest = int(values.argmin()) if values.size else None  # the first of several
    negentropy, confidence = columns.negentropy[sampled], columns.token_confidence[sampled]
    groups = slide_windows(columns.token_confidence, sampled, window)
    groups = groups[~np.isnan(groups)]
    sequence = SequenceScores(
        sequence_confidence=average_probability(values),
        sequence_confidence_is_bound=bool(np.isnan(columns.prob[scored]).any()) if values.size else None,
        perplexity=_measure_perplexity(values),
        sequence_nll=0.0 - float(values.sum()) if values.size else None,
        min_token_probability=None if lowest is None else math.exp(values[lowest]),
        min_token_index=None if lowest is None else int(scored[lowest]),
        mean_token_entropy=average(columns.entropy[sampled]),
        mean_token_negentropy=average(negentropy),
        min_token_negentropy=_find_least(negentropy),
        probability_margin=average(columns.margin[sampled]),
        mean_confidence=average(confidence),
        tail_confidence=float(groups[-1]) if groups.size else None,
        lowest_group_confidence=_find_least(groups),
        bottom_10pct_group_confidence=average(np.sort(groups)[: max(1, groups.size // 10)]),
        window=window,
        low_confidence_fraction=average(
            np.array([math.exp(value) < LOW_CONFIDENCE for value in values.tolist()], np.float64)
        ),
        coverage=_count_coverage(columns, forced, discarded, masked),
    )
    return sequence, profile_windows(groups)


def _count_coverage(columns: TokenColumns, forced: Flags, discarded: Flags, masked: int) -> Coverage:
    sampled = ~(forced | discarded)
    return Coverage(
        steps=sampled.size,
        with_distribution=int(np.count_nonzero(columns.k)),
        sampled=int(np.count_nonzero(sampled)),
        sampled_in_top_k=int(np.count_nonzero(columns.rank[sampled])),
        forced=int(np.count_nonzero(forced)),
        discarded=int(np.count_nonzero(discarded)),
        masked=masked,
    )


def bound_logs(columns: TokenColumns) -> Floats:
    """The ln p(y) of each token, or of its upper bound; aggregates take it. Nats, ≤ 0; NaN where both are unknown."""
    logs = columns.logprob.copy()
    unknown = np.flatnonzero(np.isnan(logs) & ~np.isnan(columns.prob_upper_bound))
    logs[unknown] = [math.log(bound) for bound in columns.prob_upper_bound[unknown].tolist()]
    return logs


def average(values: Floats) -> float | None:
    """The mean of the known values; None if there are none."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else None


def average_probability(logs: Floats) -> float | None:
    """exp(mean ln p), the geometric mean of the known probabilities; None if there are none."""
    mean = average(logs)
    return None if mean is None else math.exp(mean)


def _measure_perplexity(logs: Floats) -> float | None:
    """exp(-mean ln p), from the logs: 1/x would divide by zero where the confidence underflows."""
    mean = average(logs)
    return math.exp(-mean) if mean is not None and -mean < _MAX_EXPONENT else None


def _find_least(values: Floats) -> float | None:
    known = values[~np.isnan(values)]
    return float(known.min()) if known.size else None
