"""Score a request from its sampled tokens: tokens neither forced by a mod nor discarded by a backtrack."""

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
"""Probability below which a token counts towards `low_confidence_fraction`."""

_MAX_EXPONENT = math.log(float_info.max)


@dataclass(frozen=True, slots=True)
class Coverage:
    """Token counts that show how much of the request the scores cover. A token can be both forced and discarded.

    Attributes:
        steps: all tokens.
        with_distribution: tokens with a top-k list.
        sampled: tokens neither forced nor discarded. All aggregates are computed over these.
        sampled_in_top_k: sampled tokens found in their list.
        forced: tokens inserted by a mod.
        discarded: tokens removed by a backtrack.
        masked: tokens whose list has a masked entry.
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
    """The scores of a request, each over the sampled tokens that have the underlying score; None if no token has it.

    Attributes:
        sequence_confidence: exp(mean ln p), 0…1, higher = more certain; unknown tokens enter at their upper
            bound. Source: Quote.
        sequence_confidence_is_bound: whether any token entered at its bound. The true value is then lower.
        perplexity: 1 / sequence_confidence, ≥ 1, higher = less certain; None if too large for a float.
            Source: logprobe.
        sequence_nll: -Σ ln p, nats, ≥ 0, higher = less certain; grows with length. Source: lm-polygraph.
        min_token_probability: min p, 0…1; unknown tokens enter at their upper bound. Source: uqlm.
        min_token_index: index of that token in the request's tokens; the first one if there are several.
        mean_token_entropy: mean entropy, nats, ≥ 0, higher = less certain. Source: lm-polygraph.
        mean_token_negentropy: mean negentropy, 0…1, higher = more certain. Source: uqlm.
        min_token_negentropy: lowest negentropy, 0…1, higher = more certain. Source: uqlm.
        probability_margin: mean margin, 0…1, higher = more certain. Source: uqlm.
        mean_confidence: mean token_confidence, nats, ≥ 0, higher = more certain. Source: DeepConf, as for the next
            three.
        tail_confidence: mean token_confidence of the last window.
        lowest_group_confidence: lowest mean token_confidence of any window.
        bottom_10pct_group_confidence: mean over the ⌊0.1·windows⌋ lowest windows, at least one.
        window: tokens per window, as requested; a shorter text is one window.
        low_confidence_fraction: fraction of tokens with p (or its bound) < 0.2, 0…1, higher = less certain.
        coverage: how much of the request these scores cover.
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
        tokens: all tokens of the request.
        scores: the result of `score_tokens` for them.
        window: tokens per DeepConf window, at least 1.

    Raises:
        ValueError: the window is below 1, or the numbers of scores and tokens differ.
    """
    if len(tokens) != len(scores):
        raise ValueError(f"scores: {len(scores)} scores for {len(tokens)} tokens; pass one per token")
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
    """Score a request from the columns of its tokens, and profile its windows (see `profile_windows`).

    A sampled token with neither list nor logprob has no probability and no bound. Means skip it; coverage shows it.

    Args:
        columns: the scores of all N tokens.
        forced: [N] whether a mod inserted the token.
        discarded: [N] whether a backtrack removed the token.
        masked: number of tokens whose list has a masked entry.
        window: tokens per DeepConf window, at least 1.

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
    """Return ln p(y) of each token, or ln of its upper bound, for aggregates. Nats, ≤ 0; NaN if both are unknown."""
    logs = columns.logprob.copy()
    unknown = np.flatnonzero(np.isnan(logs) & ~np.isnan(columns.prob_upper_bound))
    logs[unknown] = [math.log(bound) for bound in columns.prob_upper_bound[unknown].tolist()]
    return logs


def average(values: Floats) -> float | None:
    """Return the mean of the values that are not NaN, or None if all are NaN."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else None


def average_probability(logs: Floats) -> float | None:
    """Return exp(mean ln p), the geometric mean of the known probabilities, or None if no probability is known."""
    mean = average(logs)
    return None if mean is None else math.exp(mean)


def _measure_perplexity(logs: Floats) -> float | None:
    """Return exp(-mean ln p). Computed from the logs, because 1/x divides by zero if the confidence underflows."""
    mean = average(logs)
    return math.exp(-mean) if mean is not None and -mean < _MAX_EXPONENT else None


def _find_least(values: Floats) -> float | None:
    known = values[~np.isnan(values)]
    return float(known.min()) if known.size else None
