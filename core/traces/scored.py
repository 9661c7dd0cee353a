"""A trace, paired and scored: what is stored, shown, and answered by /v1/confidence alike."""

from dataclasses import dataclass

from core.confidence import (
    DEFAULT_TOP_P,
    DEFAULT_WINDOW,
    InterventionScores,
    SequenceScores,
    Token,
    TokenScores,
    find_nucleus,
    score_interventions,
    score_sequence,
    score_tokens,
)
from core.traces.document import MAX_INT32, Event, TraceDocument
from core.traces.pairing import pair_trace
from core.traces.steps import Pairing, Pass, Step

Nucleus = tuple[int | None, float | None]


@dataclass(frozen=True, slots=True)
class ScoredTrace:
    """One trace; `tokens`, `scores` and `pairing.steps` run parallel."""

    document: TraceDocument
    pairing: Pairing
    tokens: list[Token]
    scores: list[TokenScores]
    sequence: SequenceScores
    interventions: list[InterventionScores]

    @property
    def k(self) -> int | None:
        """Length of the longest top-k list."""
        return max((one.distribution.k for one in self.pairing.passes if one.distribution), default=None)

    def nucleus_of(self, one: Pass) -> Nucleus:
        """The nucleus of a pass's distribution: (top_p_count, top_p_cutoff), nulls if it ends outside the list."""
        if one.first_step is not None:
            scores = self.scores[one.first_step]
            return scores.top_p_count, scores.top_p_cutoff
        return find_nucleus(one.distribution, top_p_of(one.event)) if one.distribution else (None, None)


def score_trace(
    document: TraceDocument,
    *,
    window: int = DEFAULT_WINDOW,
    top_p: float | None = None,
    vocab_size: int | None = None,
) -> ScoredTrace:
    """Pair and score a checked document.

    Args:
        document: what was posted.
        window: length of DeepConf's sliding window, in tokens.
        top_p: the nucleus of every token; unset, what its events say.
        vocab_size: the vocabulary's size; unset, what the trace tells of it.

    Raises:
        InvalidInputError: a top-k list is no distribution, or a backtrack's length is no count.
    """
    pairing = pair_trace(document)
    tokens = [step.to_token() for step in pairing.steps]
    top_ps = [top_p or top_p_of(*_events_of(step)) for step in pairing.steps]
    scores = score_tokens(tokens, top_ps=top_ps, vocab_size=vocab_size or find_vocab_size(document))
    return ScoredTrace(
        document=document,
        pairing=pairing,
        tokens=tokens,
        scores=scores,
        sequence=score_sequence(tokens, scores, window=window),
        interventions=score_interventions(tokens, scores, pairing.interventions),
    )


def find_vocab_size(document: TraceDocument) -> int | None:
    """The size of the vocabulary, where a mod adjusted logits and the engine reports their shape ([1, V])."""
    for action in document.actions:
        shape = action.payload.get("logits_shape") if action.action_type == "AdjustedLogits" else None
        if isinstance(shape, list) and shape and type(shape[-1]) is int and 0 < shape[-1] <= MAX_INT32:
            return shape[-1]
    return None


def top_p_of(*events: Event) -> float:
    """The nucleus that the first of these events which says so was sampled from; else the usual one."""
    said = (event.top_p for event in events if event.top_p is not None and 0 < event.top_p <= 1)
    return next(said, DEFAULT_TOP_P)


def _events_of(step: Step) -> list[Event]:
    return [step.event, step.source.event] if step.source else [step.event]
