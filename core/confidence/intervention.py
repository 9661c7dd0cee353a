"""Score interventions: how unlikely the forced tokens were, and how confident the model was before and after.

Forced tokens are excluded from the request's aggregates; they are scored here. The surprisal of a forced token measures
how unlikely the model considered it, not how good it was.
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence

import msgspec

from core.confidence.columns import TokenColumns
from core.confidence.score import score_tokens
from core.confidence.sequence import bound_logs
from core.confidence.token import Token

DEFAULT_INTERVENTION_WINDOW = 8
"""Number of sampled tokens compared on each side of an intervention."""


class Action(msgspec.Struct, frozen=True, gc=False):
    """The action of a mod, and the tokens that it inserted. Indices refer to the request's tokens.

    Attributes:
        action_type: type of the action; None if the trace doesn't record it.
        mod_name: name of the mod, if known.
        block_key: handler of the mod, if known.
        generation_step: forward pass at which it happened.
        first_index: index of the first inserted token (for adjusted logits: the sampled token); None without one.
        last_index: index of the last inserted token.
    """

    action_type: str | None
    mod_name: str | None
    block_key: str | None
    generation_step: int | None
    first_index: int | None
    last_index: int | None


class Intervention(Action, frozen=True, gc=False):
    """A forced run, a backtrack, or a step with adjusted logits, as recorded in the trace.

    Attributes:
        overridden: token that was sampled and then replaced by the forced one.
        discarded_first: index of the first token it removed.
        discarded_last: index of the last token it removed.
        discarded_count: number of tokens it removed.
        discarded_indices: indices of the removed tokens, if there are tokens between first and last that earlier
            backtracks removed. Empty means all discarded tokens in that range.
    """

    overridden: Token | None
    discarded_first: int | None = None
    discarded_last: int | None = None
    discarded_count: int = 0
    discarded_indices: tuple[int, ...] = ()


class DiscardedScores(msgspec.Struct, frozen=True, gc=False):
    """The tokens that a backtrack removed: count, index range, and exp(mean ln p) of the sampled ones."""

    tokens: int
    first_index: int | None
    last_index: int | None
    sequence_confidence: float | None


class InterventionScores(Action, frozen=True, gc=False):
    """The scores of one intervention. A score that can't be derived is None.

    Attributes:
        intervention_surprisal: -ln p of the first token under the model, nats, ≥ 0, higher = less likely. If p is
            unknown, computed from its upper bound; the true value is then higher.
        intervention_surprisal_is_bound: whether p was unknown.
        intervention_rank: rank of that token; None if it is not in the list.
        overridden_token: id of the overridden token.
        overridden_text: text of the overridden token.
        overridden_prob: probability of the overridden token in the same distribution, 0…1.
        window: maximum number of sampled tokens on each side.
        sequence_confidence_before: exp(mean ln p) of the tokens before, 0…1; unknown tokens enter at their bound.
        sequence_confidence_after: exp(mean ln p) of the tokens after, 0…1.
        mean_confidence_before: mean token_confidence of the tokens before, nats.
        mean_confidence_after: mean token_confidence of the tokens after, nats.
        discarded: the tokens that a backtrack removed; None if it removed none.
    """

    intervention_surprisal: float | None
    intervention_surprisal_is_bound: bool | None
    intervention_rank: int | None
    overridden_token: int | None
    overridden_text: str | None
    overridden_prob: float | None
    window: int
    sequence_confidence_before: float | None
    sequence_confidence_after: float | None
    mean_confidence_before: float | None
    mean_confidence_after: float | None
    discarded: DiscardedScores | None


def score_interventions(
    tokens: Sequence[Token],
    columns: TokenColumns,
    interventions: Sequence[Intervention],
    *,
    window: int = DEFAULT_INTERVENTION_WINDOW,
) -> list[InterventionScores]:
    """Score each intervention from the scores of the request's tokens.

    Compares up to `window` sampled tokens on each side.

    Args:
        tokens: all tokens of the request. Only the first forced token of an intervention needs its distribution.
        columns: the scores of the tokens.
        interventions: interventions in any order.
        window: number of sampled tokens on each side.

    Raises:
        ValueError: the window is below 1.
    """
    if window < 1:
        raise ValueError(f"window: must be at least 1, not {window}")
    scorer = _Scorer(tokens, columns, window)
    return [scorer.score(each) for each in interventions]


class _Scorer:
    """The scores that all interventions of a request share, as lists: for a few tokens, Python is faster than numpy."""

    def __init__(self, tokens: Sequence[Token], columns: TokenColumns, window: int) -> None:
        self.tokens = tokens
        self.window = window
        self.sampled = [i for i, token in enumerate(tokens) if token.sampled]
        self.logs: list[float] = bound_logs(columns).tolist()
        self.logprobs: list[float] = columns.logprob.tolist()
        self.ranks: list[int] = columns.rank.tolist()
        self.confidences: list[float] = columns.token_confidence.tolist()

    def score(self, each: Intervention) -> InterventionScores:
        first = each.first_index if each.first_index is not None else each.discarded_first
        last = each.last_index if each.last_index is not None else each.discarded_last
        end = 0 if first is None else bisect_left(self.sampled, first)
        start = len(self.sampled) if last is None else bisect_right(self.sampled, last)
        before, after = self.sampled[max(0, end - self.window) : end], self.sampled[start : start + self.window]
        forced = each.first_index
        pushed = None if forced is None or math.isnan(self.logs[forced]) else forced
        return InterventionScores(
            action_type=each.action_type,
            mod_name=each.mod_name,
            block_key=each.block_key,
            generation_step=each.generation_step,
            first_index=each.first_index,
            last_index=each.last_index,
            intervention_surprisal=None if pushed is None else 0.0 - self.logs[pushed],
            intervention_surprisal_is_bound=None if pushed is None else math.isnan(self.logprobs[pushed]),
            intervention_rank=None if forced is None else self.ranks[forced] or None,
            overridden_token=each.overridden.token if each.overridden else None,
            overridden_text=each.overridden.text if each.overridden else None,
            overridden_prob=self._find_overridden_prob(each),
            window=self.window,
            sequence_confidence_before=self._average_probability(before),
            sequence_confidence_after=self._average_probability(after),
            mean_confidence_before=_average([self.confidences[i] for i in before]),
            mean_confidence_after=_average([self.confidences[i] for i in after]),
            discarded=self._score_discarded(each),
        )

    def _average_probability(self, indices: Iterable[int]) -> float | None:
        mean = _average([self.logs[i] for i in indices])
        return None if mean is None else math.exp(mean)

    def _find_overridden_prob(self, each: Intervention) -> float | None:
        """Return the overridden token's probability from its own list, or from the list of its replacement."""
        overridden = each.overridden
        if overridden is None:
            return None
        if overridden.distribution is None and each.first_index is not None:
            listed = self.tokens[each.first_index].distribution
            overridden = Token(overridden.token, overridden.text, overridden.logprob, distribution=listed)
        return score_tokens([overridden])[0].prob

    def _score_discarded(self, each: Intervention) -> DiscardedScores | None:
        first, last = each.discarded_first, each.discarded_last
        if not each.discarded_count:
            return None
        removed: Sequence[int] = each.discarded_indices
        if not removed and first is not None and last is not None:
            removed = range(first, last + 1)
        drawn = [i for i in removed if self.tokens[i].discarded and not self.tokens[i].forced]
        return DiscardedScores(each.discarded_count, first, last, self._average_probability(drawn))


def _average(values: list[float]) -> float | None:
    """Return the mean of the values that are not NaN, or None if all are NaN."""
    known = [value for value in values if value == value]  # noqa: PLR0124 - false for NaN alone
    return sum(known) / len(known) if known else None
