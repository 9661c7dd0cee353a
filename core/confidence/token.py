"""A token, the input of scoring, and its scores, the output."""

from typing import NamedTuple

import msgspec

from core.confidence.distribution import Distribution


class Token(msgspec.Struct, frozen=True, gc=False):
    """A chosen token and the distribution it was chosen from.

    Attributes:
        token: token id; None if only the text is known.
        text: text of the token.
        logprob: log-probability reported for the token itself, nats. Takes precedence over its list entry.
        forced: inserted by a mod. Scored, but excluded from aggregates.
        discarded: removed later by a backtrack. Scored, but excluded from aggregates.
        distribution: its top-k list; None if it had no forward pass (the rest of a forced run) or no list.
    """

    token: int | None
    text: str | None
    logprob: float | None = None
    forced: bool = False
    discarded: bool = False
    distribution: Distribution | None = None

    @property
    def sampled(self) -> bool:
        """Whether the token counts in aggregates: the model drew it and it was not removed."""
        return not (self.forced or self.discarded)


class TokenScores(NamedTuple):
    """The scores of one token. A score that can't be derived is None.

    Logarithms are natural; y is the chosen token and k the length of its list. `core.confidence.shape` defines the
    scores that depend on the list alone. This is a named tuple because a trace has thousands of them, and a frozen
    dataclass with 22 fields takes six times as long to create.

    Attributes:
        prob: p(y), 0…1, higher = more certain. None if y is not in the list and not reported. Source: Quote.
        prob_upper_bound: prob if known, otherwise min(p_k, r), where p_k is the smallest unmasked probability. p_k if
            rounding leaves r = 0.
        logprob: ln p(y), nats, ≤ 0, higher = more certain.
        surprisal: -ln p(y), nats, ≥ 0, higher = less certain. Source: lm-polygraph.
        cum_nll: running sum of the known surprisals of sampled tokens, nats. None before the first.
        rank: number of p_j ≥ p(y), from 1; ties get the worse rank. None if y is not in the list. Source: vLLM.
        entropy: nats, higher = less certain.
        entropy_lower: lower bound of the entropy of the full distribution, nats.
        entropy_upper: upper bound of the entropy of the full distribution, nats.
        missing_mass: r = 1 - M, 0…1; the probability of all tokens outside the list. Source: logprobe.
        truncated: r > 0.05.
        unreliable: r > 0.5.
        negentropy: 0…1, higher = more certain.
        flatness: 1 - negentropy, 0…1, higher = less certain. Source: Quote.
        margin: p₁ - p₂, 0…1, higher = more certain.
        selected_margin: p(y) - max of the others, -1…1; negative if y was not the most likely token. Source: cleanlab.
        logprob_gap: ln p₁ - ln p(y), nats, ≥ 0; 0 for the most likely token.
        varentropy: nats², ≥ 0.
        token_confidence: nats, ≥ 0, higher = more certain; only comparable at equal k.
        k: number of entries in the list, including masked ones.
        top_p_count: number of tokens in the nucleus; fewer = more certain.
        top_p_cutoff: smallest probability in the nucleus.
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
