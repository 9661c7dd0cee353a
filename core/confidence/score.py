"""Score each token: how likely it was, and how confident the model was when it was chosen."""

import math
from collections.abc import Sequence

from core.confidence.chosen import reconcile_list
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
"""Mass of the nucleus for `top_p_count` if the request sets no top_p."""

TRUNCATED_MASS = 0.05
"""Missing mass above which a list is truncated: its entropy is a lower bound, not an estimate."""

UNRELIABLE_MASS = 0.5
"""Missing mass above which a list is unreliable: it shows less than half of the distribution."""


def score_tokens(
    tokens: Sequence[Token],
    *,
    top_p: float = DEFAULT_TOP_P,
    top_ps: Sequence[float | None] | None = None,
    vocab_size: int | None = None,
) -> list[TokenScores]:
    """Score each token, in order.

    Args:
        tokens: all tokens of a request, including forced and discarded ones.
        top_p: mass of the nucleus, in (0, 1].
        top_ps: mass of the nucleus per token, one per token; None entries use `top_p`.
        vocab_size: V, needed for entropy_upper; None if unknown.

    Raises:
        InvalidDistribution: a reported logprob is NaN, or above 0 on a token that was not forced.
    """
    rows: list[TokenScores] = []
    cum_nll: float | None = None
    for i, token in enumerate(tokens):
        logprob = token.logprob
        if logprob is not None:
            logprob = read_chosen_logprob(logprob, f"tokens[{i}].logprob", forced=token.forced)
        distribution, position = reconcile_list(token, logprob)
        if logprob is None and distribution is not None and position is not None:
            logprob = distribution.logprobs[position]
        if logprob is not None and token.sampled:
            cum_nll = (cum_nll or 0.0) - logprob
        nucleus = (top_ps[i] if top_ps else None) or top_p
        rows.append(_score_token(distribution, position, logprob, cum_nll, nucleus, vocab_size))
    return rows


def bound_unlisted(distribution: Distribution) -> float | None:
    """Return the largest probability that a token outside the list can have: min(p_k, r).

    p_k is the smallest unmasked probability. If rounding leaves r = 0, the bound is p_k. Return None if p_k is 0 (below
    the smallest float), because a chosen token can't have p = 0.
    """
    if not distribution.live:
        return None
    smallest = distribution.probs[distribution.live - 1]
    return (min(smallest, distribution.missing_mass) or smallest) or None


def _score_token(  # noqa: PLR0913, PLR0917 - collects all inputs of one row
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
    """Return the rank, from 1, of a position, from 0. Tied entries all get the rank of the last one."""
    logprobs = distribution.logprobs
    rank = position + 1
    while rank < len(logprobs) and logprobs[rank] == logprobs[position]:
        rank += 1
    return rank


def _measure_selected_margin(distribution: Distribution, position: int | None, prob: float) -> float | None:
    if position != 0:
        return prob - distribution.probs[0]
    return prob - distribution.probs[1] if distribution.k > 1 else None
