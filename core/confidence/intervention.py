"""What a mod did, in numbers: how hard it pushed, and how sure the model was before and after.

Forced tokens count in no aggregate of the request; here they get their own numbers. A surprisal tells how unlike the
model the forced token is, not whether it was a good one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.confidence.columns import TokenColumns
from core.confidence.score import score_tokens
from core.confidence.sequence import average, average_probability, bound_logs
from core.confidence.table import Floats, Ints
from core.confidence.token import Token

DEFAULT_INTERVENTION_WINDOW = 8
"""Sampled tokens on each side of an intervention that before and after look at."""


@dataclass(frozen=True, slots=True)
class Intervention:
    """A forced run, a backtrack, or an adjusted-logits step, as the trace tells it.

    Attributes:
        action_type: what the mod returned; null where the trace does not tell.
        mod_name: whose action it was, if known.
        block_key: which handler of the mod, if known.
        generation_step: the step of the trace it happened at.
        first_index: the first token it put there (of an adjusted-logits step: the one that was sampled), an index
            into the request's tokens; null if it put none.
        last_index: the last one.
        overridden: the Sampled that the forced step overrode: what the model would have said.
        discarded_first: the first token that it removed.
        discarded_last: the last one.
        discarded_count: how many it removed.
        discarded_indices: which, where earlier backtracks left removed tokens between first and last; empty: all
            discarded ones in between.
    """

    action_type: str | None
    mod_name: str | None
    block_key: str | None
    generation_step: int | None
    first_index: int | None
    last_index: int | None
    overridden: Token | None
    discarded_first: int | None = None
    discarded_last: int | None = None
    discarded_count: int = 0
    discarded_indices: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class DiscardedScores:
    """What a backtrack removed: how many tokens, from where to where, and exp(mean ln p) of the sampled ones."""

    tokens: int
    first_index: int | None
    last_index: int | None
    sequence_confidence: float | None


@dataclass(frozen=True, slots=True)
class InterventionScores:
    """The scores of one intervention; null where not derivable.

    Attributes:
        action_type: as in the Intervention, and so the next five.
        mod_name: whose it was.
        block_key: which handler.
        generation_step: where in the trace.
        first_index: its first token.
        last_index: its last token.
        intervention_surprisal: -ln p of the first token under the model, nats, ≥ 0, higher = pushed harder; of its
            upper bound if unknown, and then the true value is higher.
        intervention_surprisal_is_bound: whether it was unknown.
        intervention_rank: the rank of that token; null outside the list.
        overridden_token: the id of what the model would have said.
        overridden_text: its text.
        overridden_prob: its probability in the same distribution, 0…1.
        window: sampled tokens on each side.
        sequence_confidence_before: exp(mean ln p) over those before, 0…1, unknown tokens at their bound.
        sequence_confidence_after: the same over those after.
        mean_confidence_before: mean of token_confidence over those before, nats.
        mean_confidence_after: the same over those after.
        discarded: what a backtrack removed; null if nothing.
    """

    action_type: str | None
    mod_name: str | None
    block_key: str | None
    generation_step: int | None
    first_index: int | None
    last_index: int | None
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

    Before and after are the `window` sampled tokens on each side, as many as there are.

    Args:
        tokens: all of the request's; of their distributions only those of the first forced tokens are read.
        columns: their scores.
        interventions: in any order.
        window: sampled tokens on each side.

    Raises:
        ValueError: the window is below 1.
    """
    if window < 1:
        raise ValueError(f"a window of {window} tokens is too short (at least 1)")
    sampled = np.flatnonzero([token.sampled for token in tokens])
    logs = bound_logs(columns)
    return [_score_intervention(tokens, columns, logs, sampled, each, window) for each in interventions]


def _score_intervention(  # noqa: PLR0913, PLR0917 - what all interventions share is computed once
    tokens: Sequence[Token], columns: TokenColumns, logs: Floats, sampled: Ints, each: Intervention, window: int
) -> InterventionScores:
    first = each.first_index if each.first_index is not None else each.discarded_first
    last = each.last_index if each.last_index is not None else each.discarded_last
    end = 0 if first is None else int(np.searchsorted(sampled, first))
    before = sampled[max(0, end - window) : end]
    start = sampled.size if last is None else int(np.searchsorted(sampled, last, side="right"))
    after = sampled[start : start + window]
    forced = each.first_index
    pushed = None if forced is None or np.isnan(logs[forced]) else forced
    return InterventionScores(
        action_type=each.action_type,
        mod_name=each.mod_name,
        block_key=each.block_key,
        generation_step=each.generation_step,
        first_index=each.first_index,
        last_index=each.last_index,
        intervention_surprisal=None if pushed is None else 0.0 - float(logs[pushed]),
        intervention_surprisal_is_bound=None if pushed is None else bool(np.isnan(columns.logprob[pushed])),
        intervention_rank=None if forced is None else int(columns.rank[forced]) or None,
        overridden_token=each.overridden.token if each.overridden else None,
        overridden_text=each.overridden.text if each.overridden else None,
        overridden_prob=_find_overridden_prob(tokens, each),
        window=window,
        sequence_confidence_before=average_probability(logs[before]),
        sequence_confidence_after=average_probability(logs[after]),
        mean_confidence_before=average(columns.token_confidence[before]),
        mean_confidence_after=average(columns.token_confidence[after]),
        discarded=_score_discarded(tokens, logs, each),
    )


def _find_overridden_prob(tokens: Sequence[Token], each: Intervention) -> float | None:
    """The probability of the overridden token in its own list, else in that of the token which took its place."""
    overridden = each.overridden
    if overridden is None:
        return None
    if overridden.distribution is None and each.first_index is not None:
        listed = tokens[each.first_index].distribution
        overridden = Token(overridden.token, overridden.text, overridden.logprob, distribution=listed)
    return score_tokens([overridden])[0].prob


def _score_discarded(tokens: Sequence[Token], logs: Floats, each: Intervention) -> DiscardedScores | None:
    first, last = each.discarded_first, each.discarded_last
    if not each.discarded_count:
        return None
    removed: Sequence[int] = each.discarded_indices
    if not removed and first is not None and last is not None:
        removed = range(first, last + 1)
    drawn = [i for i in removed if tokens[i].discarded and not tokens[i].forced]
    return DiscardedScores(each.discarded_count, first, last, average_probability(logs[drawn]))
