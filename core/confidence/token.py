"""A token, and the scores of a token: what goes in, what comes out."""

from typing import NamedTuple

import msgspec

from core.confidence.distribution import Distribution


class Token(msgspec.Struct, frozen=True, gc=False):
    """A token that was chosen, with the distribution it was chosen from.

    Attributes:
        token: its id, null if only the text is known.
        text: what it reads as.
        logprob: what the server itself reported for it, nats; preferred to the list, which may not hold it.
        forced: put there by a mod: scored, but in no aggregate.
        discarded: removed later by a backtrack: scored, but in no aggregate.
        distribution: null where there was no forward pass of its own (a forced continuation) or no list.
    """

    token: int | None
    text: str | None
    logprob: float | None = None
    forced: bool = False
    discarded: bool = False
    distribution: Distribution | None = None

    @property
    def sampled(self) -> bool:
        """Whether it counts in the aggregates: the model drew it, and it survived."""
        return not (self.forced or self.discarded)


class TokenScores(NamedTuple):
    """The scores of one token; null where not derivable. Natural logs, y the chosen token, k the list's length.

    A named tuple because a frozen dataclass of 22 fields takes six times as long to make, and there are thousands.
    What depends on the list alone is defined in `core.confidence.shape`. The rest:

    Attributes:
        prob: p(y), 0…1, higher = more certain. Null if y is outside the list and unreported. Source: Quote.
        prob_upper_bound: prob if known, else min(p_k, r), p_k the least unmasked one; where rounding leaves no r, p_k.
        logprob: ln p(y), nats, ≤ 0, higher = more certain.
        surprisal: -ln p(y), nats, ≥ 0, higher = less certain. Source: lm-polygraph.
        cum_nll: sum of surprisal over the sampled tokens so far that are known, nats; null before the first.
        rank: number of p_j ≥ p(y), itself included (ties give the worse rank), from 1. Null outside the list. vLLM.
        entropy: nats, higher = less certain.
        entropy_lower: nats; the least that the whole distribution's entropy can be.
        entropy_upper: nats; the most.
        missing_mass: r = 1 - M, 0…1; how much of the distribution the list does not show. Source: logprobe.
        truncated: r > 0.05.
        unreliable: r > 0.5.
        negentropy: 0…1, higher = more certain.
        flatness: 1 - negentropy, 0…1, higher = less certain. Source: Quote.
        margin: p₁ - p₂, 0…1, higher = more certain.
        selected_margin: p(y) - max of the others, -1…1; negative where y was not the favourite. Source: cleanlab.
        logprob_gap: ln p₁ - ln p(y), nats, ≥ 0; 0 for the favourite.
        varentropy: nats², ≥ 0.
        token_confidence: nats, ≥ 0, higher = more certain; only comparable at equal k.
        k: entries of the list, masked ones included.
        top_p_count: tokens in the nucleus; fewer = more certain.
        top_p_cutoff: the least probability in the nucleus.
    """

    prob: float | None = None
    prob_upper_bound: float | None = None
    logprob: float | None = None
    surprisal: float | None = None
    cum_nll: float | None = None
    rank: int | None = None
    entropy: float | None = None
    entropy_lower: float | None = None
    entropy_upper: float | None = None
    missing_mass: float | None = None
    truncated: bool | None = None
    unreliable: bool | None = None
    negentropy: float | None = None
    flatness: float | None = None
    margin: float | None = None
    selected_margin: float | None = None
    logprob_gap: float | None = None
    varentropy: float | None = None
    token_confidence: float | None = None
    k: int | None = None
    top_p_count: int | None = None
    top_p_cutoff: float | None = None
