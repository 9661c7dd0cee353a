"""Scoring each token: how probable it was, and how sure the model was where it was chosen."""

import math
from collections.abc import Sequence

from core.confidence.chosen import settle_list
from core.confidence.distribution import Distribution
from core.confidence.number import read_chosen_logprob
from core.confidence.shape import (
    bound_entropy,
    find_nucleus,
    measure_entropy,
    measure_margin,
    measure_negentropy,
    measure_token_confidence,
)
from core.confidence.token import Token, TokenScores

DEFAULT_TOP_P = 0.9
"""The mass of the nucleus that top_p_count counts, where a request sets none."""

TRUNCATED_MASS = 0.05
"""Above this missing mass the list is called truncated: its entropy is a lower bound, no estimate."""

UNRELIABLE_MASS = 0.5
"""Above this missing mass most of the distribution is unseen: what is renormalised over the list says little."""


def score_tokens(
    tokens: Sequence[Token],
    *,
    top_p: float = DEFAULT_TOP_P,
    top_ps: Sequence[float | None] | None = None,
    vocab_size: int | None = None,
) -> list[TokenScores]:
    """Scores each token, in order.

    Args:
        tokens: all of a request's, forced and discarded ones included.
        top_p: the nucleus of every token, in (0, 1].
        top_ps: the nucleus per token, as long as tokens; null where top_p holds.
        vocab_size: V, for entropy_upper; null if unknown.

    Raises:
        InvalidDistribution: a reported logprob above 0 on a token that was not forced, or NaN.
    """
    rows: list[TokenScores] = []
    cum_nll: float | None = None
    for i, token in enumerate(tokens):
        logprob = token.logprob
        if logprob is not None:
            logprob = read_chosen_logprob(logprob, f"tokens[{i}].logprob", forced=token.forced)
        distribution, position = settle_list(token, logprob)
        if logprob is None and distribution is not None and position is not None:
            logprob = distribution.logprobs[position]
        if logprob is not None and token.sampled:
            cum_nll = (cum_nll or 0.0) - logprob
        nucleus = (top_ps[i] if top_ps else None) or top_p
        rows.append(_score_token(distribution, position, logprob, cum_nll, nucleus, vocab_size))
    return rows


def bound_unlisted(distribution: Distribution) -> float | None:
    """The most that a token outside the list can have: min(p_k, r).

    p_k is the least unmasked one: a mask of 0 would be a guess. Where rounding leaves no r, p_k alone. Null where that
    is below the smallest float, for a token that was chosen cannot have p = 0.
    """
    if not distribution.live:
        return None
    smallest = distribution.probs[distribution.live - 1]
    return (min(smallest, distribution.missing_mass) or smallest) or None


def _score_token(  # noqa: PLR0913, PLR0917 - the one place where all that a row needs comes together
    distribution: Distribution | None,
    position: int | None,
    logprob: float | None,
    cum_nll: float | None,
    top_p: float,
    vocab_size: int | None,
) -> TokenScores:
    prob = surprisal = None
    if logprob is not None:
        prob, surprisal = math.exp(logprob), 0.0 - logprob
    if distribution is None:
        return TokenScores(prob, prob, logprob, surprisal, cum_nll)
    entropy, varentropy = measure_entropy(distribution)
    if entropy is None:
        return TokenScores(prob, prob, logprob, surprisal, cum_nll, k=distribution.k)
    rest = distribution.missing_mass
    negentropy = measure_negentropy(distribution, entropy)
    lower, upper = bound_entropy(distribution, entropy, vocab_size)
    count, cutoff = find_nucleus(distribution, top_p)
    return TokenScores(
        prob=prob,
        prob_upper_bound=bound_unlisted(distribution) if prob is None else prob,
        logprob=logprob,
        surprisal=surprisal,
        cum_nll=cum_nll,
        rank=None if position is None else _rank(distribution, position),
        entropy=entropy,
        entropy_lower=lower,
        entropy_upper=upper,
        missing_mass=rest,
        truncated=rest > TRUNCATED_MASS,
        unreliable=rest > UNRELIABLE_MASS,
        negentropy=negentropy,
        flatness=None if negentropy is None else 1.0 - negentropy,
        margin=measure_margin(distribution),
        selected_margin=None if prob is None else _measure_selected_margin(distribution, position, prob),
        logprob_gap=None if logprob is None else max(0.0, distribution.logprobs[0] - logprob),
        varentropy=varentropy,
        token_confidence=measure_token_confidence(distribution),
        k=distribution.k,
        top_p_count=count,
        top_p_cutoff=cutoff,
    )


def _rank(distribution: Distribution, position: int) -> int:
    """Positions count from 0 and ranks from 1; a tie takes the place of its last."""
    logprobs = distribution.logprobs
    rank = position + 1
    while rank < len(logprobs) and logprobs[rank] == logprobs[position]:
        rank += 1
    return rank


def _measure_selected_margin(distribution: Distribution, position: int | None, prob: float) -> float | None:
    if position != 0:
        return prob - distribution.probs[0]
    return prob - distribution.probs[1] if distribution.k > 1 else None
