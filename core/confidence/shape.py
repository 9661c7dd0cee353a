"""Scores of a distribution that don't depend on the chosen token.

All logarithms are natural. p_i are the top-k probabilities, highest first, M is their sum, r = 1 - M, p̂ = p / M. Masked
entries count as p = 0. Probabilities are renormalized only where the docstring states it. Functions return None for a
score that can't be derived.
"""

import math
from itertools import accumulate
from operator import mul
from sys import float_info

from core.confidence.distribution import MAX_TOKEN_ID, Distribution

MASS_NOISE = 1e-12
"""Rounding tolerance for comparisons with top_p: exp(ln 0.5) + exp(ln 0.3) + exp(ln 0.1) is not exactly 0.9."""

MAX_VOCAB_SIZE = MAX_TOKEN_ID + 1
"""Number of possible token ids; a larger V is reduced to this."""

BOUND_NOISE = 1e-9
"""Rounding tolerance (nats): how far the upper bound of the entropy may fall below the lower bound."""


def measure_entropy(distribution: Distribution) -> tuple[float, float | None] | tuple[None, None]:
    """Compute entropy and varentropy, the mean and the variance of the surprisals.

    entropy: -Σ p ln p over the top k, not renormalized. Nats, ≥ 0, higher = less certain. It is a lower bound of the
    entropy of the full distribution, and a loose one if much mass is missing. Source: lm-polygraph on the top k.

    varentropy: Σ p̂ (ln p̂ + H(p̂))², renormalized over the list. Nats², ≥ 0. It has no direction: it is low for a
    confident and for an evenly undecided model, and high for one likely token with a long tail. Source: entropix.
    """
    probs, logprobs, mass = distribution.probs, distribution.logprobs, distribution.mass
    if distribution.live < len(probs):  # 0 · -inf would be NaN
        probs, logprobs = probs[: distribution.live], logprobs[: distribution.live]
    if not probs:
        return None, None
    terms = list(map(mul, probs, logprobs))
    total = sum(terms)
    if mass < float_info.min:  # too small to renormalize
        return 0.0 - total, None
    # The ln M in ln p̂ and in H(p̂) cancels, so the entries need no renormalization.
    mean = total / mass
    return 0.0 - total, max(0.0, sum(map(mul, terms, logprobs)) / mass - mean * mean)


def bound_entropy(
    distribution: Distribution, entropy: float, vocab_size: int | None
) -> tuple[float | None, float | None]:
    """Bound the entropy of the full distribution: return (entropy_lower, entropy_upper).

    Lower: entropy - n·p_k ln p_k - s ln s, where n = ⌊r/p_k⌋ and s = r - n·p_k (the missing mass in as few tokens as
    possible). Upper: entropy - r ln(r/(V-k)) (the missing mass spread evenly over all other tokens); needs V > k.

    Nats, ≥ entropy, higher = less certain. Both are None if an entry is masked; the upper bound is also None if the
    vocabulary is too small for the missing mass. Source: scipy's entropy of the extremal completions.
    """
    if distribution.masked:
        return None, None
    rest = distribution.missing_mass
    smallest = distribution.probs[-1]
    # fmod is exact. r - n·p_k is not, and n may be too large for a float.
    odd = math.fmod(rest, smallest) if smallest else 0.0
    lower = entropy - (rest - odd) * distribution.logprobs[-1] - (odd and odd * math.log(odd))
    if vocab_size is None or (outside := min(vocab_size, MAX_VOCAB_SIZE) - distribution.k) <= 0:
        return lower, None
    upper = entropy - (rest and rest * math.log(rest / outside))
    return lower, max(lower, upper) if upper > lower - BOUND_NOISE else None


def measure_negentropy(distribution: Distribution, entropy: float) -> float | None:
    """Compute 1 - H(p̂)/ln k, where p̂ is renormalized over the list and k includes masked entries.

    No unit, 0…1, higher = more certain. Flatness is 1 - negentropy. Ignores the missing mass; comparable only at equal
    k. None for k = 1. Source: uqlm (mean/min token negentropy), Quote (flatness).
    """
    mass = distribution.mass
    if mass < float_info.min or distribution.k < 2:
        return None
    share = (math.log(mass) + entropy / mass) / math.log(distribution.k)
    return 1.0 - min(1.0, max(0.0, share))


def measure_margin(distribution: Distribution) -> float | None:
    """Compute p₁ - p₂.

    Probability, 0…1, higher = more certain. If the second entry is masked, p₂ = 0. None for k = 1. Source: uqlm
    (probability_margin).
    """
    probs = distribution.probs
    return probs[0] - probs[1] if distribution.live and len(probs) > 1 else None


def measure_token_confidence(distribution: Distribution) -> float | None:
    """Compute -(1/k) Σ ln p_i.

    Nats, ≥ 0, higher = more certain (the likelier the first token, the less likely the others). Grows with k, so
    compare only at equal k. None if an entry is masked. Source: DeepConf.
    """
    if distribution.masked:
        return None
    return 0.0 - sum(distribution.logprobs) / len(distribution.logprobs)


def find_nucleus(distribution: Distribution, top_p: float) -> tuple[int, float] | tuple[None, None]:
    """Find the smallest prefix whose mass reaches top_p: return (top_p_count, top_p_cutoff), its length and its last p.

    A lower count means more certain. Both are None if M < top_p, because the nucleus then extends beyond the list.
    Source: nucleus sampling, counted as in transformers' TopPLogitsWarper.
    """
    goal = top_p - MASS_NOISE
    probs = distribution.probs
    if distribution.mass < goal or not distribution.live:
        return None, None
    for i, mass in enumerate(accumulate(probs)):
        if mass >= goal:
            return i + 1, probs[i]
    return distribution.live, probs[distribution.live - 1]
