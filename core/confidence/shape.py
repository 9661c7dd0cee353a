"""The scores of a distribution by itself, whichever token was chosen.

Natural logs throughout. p_i are the top-k probabilities, best first, M their sum, r = 1 - M, p̂ = p / M. Masked entries
count as p = 0. Every function gives null where its score cannot be derived. Nothing here is renormalised unless it
says so, and none of it says whether an answer is right: it describes what the model believed.
"""

import math
from itertools import accumulate
from operator import mul
from sys import float_info

from core.confidence.distribution import MAX_TOKEN_ID, Distribution

MASS_NOISE = 1e-12
"""By how much a prefix may miss top_p by rounding: 0.5 + 0.3 + 0.1 through logarithms is not quite 0.9."""

MAX_VOCAB_SIZE = MAX_TOKEN_ID + 1
"""As many tokens as there are ids; a larger V is taken for this."""

BOUND_NOISE = 1e-9
"""By how much (nats) rounding may carry the upper bound of the entropy below the lower one."""


def measure_entropy(distribution: Distribution) -> tuple[float, float | None] | tuple[None, None]:
    """Entropy and varentropy, which are the mean and the variance of the same surprisals.

    entropy: -Σ p ln p over the top k, not renormalised. Nats, ≥ 0, higher = less certain. A lower bound of the entropy
    of the whole distribution, loose where much mass is missing. Source: lm-polygraph on the top k.

    varentropy: Σ p̂ (ln p̂ + H(p̂))², renormalised over the list. Nats², ≥ 0. No direction: it is low both for a sure
    and for an evenly undecided model, high where one favourite stands before a long tail. Source: entropix.
    """
    probs, logprobs, mass = distribution.probs, distribution.logprobs, distribution.mass
    if distribution.live < len(probs):  # 0 · -inf would be NaN
        probs, logprobs = probs[: distribution.live], logprobs[: distribution.live]
    if not probs:
        return None, None
    terms = list(map(mul, probs, logprobs))
    total = sum(terms)
    if mass < float_info.min:  # below the smallest normal float nothing is left to renormalise
        return 0.0 - total, None
    # The ln M in ln p̂ and in H(p̂) cancels, and with it the need to renormalise each entry.
    mean = total / mass
    return 0.0 - total, max(0.0, sum(map(mul, terms, logprobs)) / mass - mean * mean)


def bound_entropy(
    distribution: Distribution, entropy: float, vocab_size: int | None
) -> tuple[float | None, float | None]:
    """The interval that holds the entropy of the whole distribution: (entropy_lower, entropy_upper).

    With n = ⌊r/p_k⌋ and s = r - n·p_k: entropy - n·p_k ln p_k - s ln s (the missing mass in as few tokens as can
    be), and entropy - r ln(r/(V-k)) (spread over all the others), which needs the vocabulary size V > k.

    Nats, at least entropy, higher = less certain. Both null with a masked entry; the upper one also where the
    vocabulary is too small for the missing mass. Source: scipy's entropy of the extremal completions.
    """
    if distribution.masked:
        return None, None
    rest = distribution.missing_mass
    smallest = distribution.probs[-1]
    # fmod is exact where r - n·p_k is not, and where n itself is beyond a float.
    odd = math.fmod(rest, smallest) if smallest else 0.0
    lower = entropy - (rest - odd) * distribution.logprobs[-1] - (odd and odd * math.log(odd))
    if vocab_size is None or (outside := min(vocab_size, MAX_VOCAB_SIZE) - distribution.k) <= 0:
        return lower, None
    upper = entropy - (rest and rest * math.log(rest / outside))
    return lower, max(lower, upper) if upper > lower - BOUND_NOISE else None


def measure_negentropy(distribution: Distribution, entropy: float) -> float | None:
    """1 - H(p̂)/ln k, p̂ renormalised over the list, k its full length (masked entries included).

    No unit, 0…1, higher = more certain; flatness is 1 - this. Blind to the missing mass, and comparable only at equal
    k. Null for k = 1. Source: uqlm (mean/min token negentropy), Quote (flatness).
    """
    mass = distribution.mass
    if mass < float_info.min or distribution.k < 2:
        return None
    share = (math.log(mass) + entropy / mass) / math.log(distribution.k)
    return 1.0 - min(1.0, max(0.0, share))


def measure_margin(distribution: Distribution) -> float | None:
    """p₁ - p₂.

    Probability, 0…1, higher = more certain. A masked second counts as p₂ = 0. Null for k = 1. Source: uqlm
    (probability_margin).
    """
    probs = distribution.probs
    return probs[0] - probs[1] if distribution.live and len(probs) > 1 else None


def measure_token_confidence(distribution: Distribution) -> float | None:
    """-(1/k) Σ ln p_i.

    Nats, ≥ 0, higher = more certain (the better the first, the less likely the rest). Grows with k, so compare only
    at equal k. Null with a masked entry. Source: DeepConf.
    """
    if distribution.masked:
        return None
    return 0.0 - sum(distribution.logprobs) / len(distribution.logprobs)


def find_nucleus(distribution: Distribution, top_p: float) -> tuple[int, float] | tuple[None, None]:
    """The smallest prefix whose mass reaches top_p: (top_p_count, top_p_cutoff), the cutoff being its last p.

    A count from 1 and a probability; fewer = more certain. Null if M < top_p: the nucleus ends outside the list.
    Source: nucleus sampling, as transformers' TopPLogitsWarper counts.
    """
    goal = top_p - MASS_NOISE
    probs = distribution.probs
    if distribution.mass < goal or not distribution.live:
        return None, None
    for i, mass in enumerate(accumulate(probs)):
        if mass >= goal:
            return i + 1, probs[i]
    return distribution.live, probs[distribution.live - 1]
