"""Score a trace. Storage, the API and exports all use this result."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.confidence import (
    DEFAULT_TOP_P,
    InterventionScores,
    SequenceScores,
    Token,
    TokenColumns,
    find_nucleus,
    find_nucleus_columns,
    score_columns,
    score_interventions,
    score_tokens,
    summarize_columns,
    to_columns,
)
from core.document.schema import Event, TraceDocument
from core.pairing.pair import pair_trace
from core.pairing.steps import Pairing, Pass, Step


@dataclass(frozen=True, slots=True)
class NucleusColumns:
    """The nucleus of each of P top-k lists: token counts [P] and least probabilities [P].

    A nucleus that extends beyond its list has 0 and NaN.
    """

    counts: NDArray[np.int64]
    cutoffs: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ScoredTrace:
    """A trace with its scores.

    Attributes:
        document: the posted document.
        pairing: its passes, steps and actions.
        scores: one row per step.
        nucleus: one row per top-k list.
        sequence: the scores of the whole answer.
        profile: the lowest group confidence (nats) in each of up to 32 equal parts of the answer.
        interventions: the scores of each intervention.
    """

    document: TraceDocument
    pairing: Pairing
    scores: TokenColumns
    nucleus: NucleusColumns
    sequence: SequenceScores
    profile: list[float]
    interventions: list[InterventionScores]


def score_trace(document: TraceDocument) -> ScoredTrace:
    """Pair and score a checked document. Pure.

    Raises:
        InvalidInputError: a top-k list is not a distribution, or the length of a backtrack is not a count.
    """
    pairing = pair_trace(document)
    steps = pairing.steps
    forced = np.array([step.forced for step in steps], np.bool_)
    discarded = np.array([step.discarded for step in steps], np.bool_)
    nucleus = _find_nucleus_columns(pairing)
    scores = _score_steps(pairing, nucleus, sampled=~(forced | discarded))
    sequence, profile = summarize_columns(scores, forced=forced, discarded=discarded, masked=_count_masked(pairing))
    return ScoredTrace(document, pairing, scores, nucleus, sequence, profile, _score_interventions(pairing, scores))


def _score_steps(pairing: Pairing, nucleus: NucleusColumns, *, sampled: NDArray[np.bool_]) -> TokenColumns:
    steps, table = pairing.steps, pairing.lists.table
    if table is None:
        return to_columns(score_tokens(list_tokens(pairing), top_ps=list_top_ps(pairing)))
    return score_columns(
        table,
        rows=[-1 if step.row is None else step.row for step in steps],
        tokens=[-1 if step.token is None else step.token for step in steps],
        sampled=sampled,
        nucleus=(nucleus.counts, nucleus.cutoffs),
        texts=[step.text for step in steps],
    )


def list_tokens(pairing: Pairing) -> list[Token]:
    """Convert the steps to the tokens of core.confidence, each with its distribution."""
    return [step.to_token(pairing.lists) for step in pairing.steps]


def list_top_ps(pairing: Pairing) -> list[float]:
    """Return the top_p of each step's events, or the default if they have none."""
    return [_top_p_of(*_events_of(step)) for step in pairing.steps]


def _find_nucleus_columns(pairing: Pairing) -> NucleusColumns:
    """Measure the nucleus of each list, for the top_p of its step, or of its pass if the pass produced no token."""
    lists = pairing.lists
    top_ps = [_top_p_of_pass(pairing, one) for one in pairing.passes if one.row is not None]
    if lists.table is not None:
        return NucleusColumns(*find_nucleus_columns(lists.table, top_ps))
    found = [find_nucleus(one, top_p) for one, top_p in zip(lists.distributions, top_ps, strict=True)]
    counts, cutoffs = [count or 0 for count, _ in found], [cutoff for _, cutoff in found]
    return NucleusColumns(np.array(counts, np.int64), np.array(cutoffs, np.float64))


def _top_p_of_pass(pairing: Pairing, one: Pass) -> float:
    return _top_p_of(*_events_of(pairing.steps[one.first_step])) if one.first_step is not None else _top_p_of(one.event)


def _events_of(step: Step) -> tuple[Event, ...]:
    return (step.event, step.source.event) if step.source else (step.event,)


def _top_p_of(*events: Event) -> float:
    for event in events:
        if event.top_p is not None and 0 < event.top_p <= 1:
            return event.top_p
    return DEFAULT_TOP_P


def _count_masked(pairing: Pairing) -> int:
    if pairing.lists.table is not None:
        return 0
    return sum(step.row is not None and pairing.lists.get(step.row).masked for step in pairing.steps)


def _score_interventions(pairing: Pairing, scores: TokenColumns) -> list[InterventionScores]:
    """Score the interventions. Only a token that replaced another one needs its distribution."""
    if not pairing.interventions:
        return []
    replacing = {one.first_index for one in pairing.interventions if one.overridden}
    tokens = [step.to_token(pairing.lists if step.index in replacing else None) for step in pairing.steps]
    return score_interventions(tokens, scores, pairing.interventions)
