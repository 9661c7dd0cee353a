"""Build a report. Stored traces and responses of all servers have the same format."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, TypedDict

from msgspec import to_builtins

from core.confidence import (
    DEFAULT_TOP_P,
    DEFAULT_WINDOW,
    Token,
    TokenScores,
    group_confidences,
    score_interventions,
    score_sequence,
    score_tokens,
    to_columns,
)
from core.document.schema import MAX_INT32, TraceDocument
from core.pairing.alignment import align_trace
from core.pairing.pair import pair_trace
from core.pairing.scored_trace import list_tokens, list_top_ps
from core.reports.spans import report_spans
from core.responses import Answer, ScoreOptions
from core.responses.options import RAW_LOGPROBS
from core.traces.answer_trace import find_forced_runs

Report = dict[str, Any]


class TokenOrigin(TypedDict):
    """How a token entered the text. In a report, its scores (`core.confidence.TokenScores`) follow.

    Attributes:
        index: its index among all tokens, also discarded ones.
        step: the posted step of its forward pass; None if a mod inserted it without a pass.
        sequence_order: the posted order of its event.
        token: its id; None if only the text is known.
        forced: whether a mod inserted it.
        forced_by: the mod that inserted it, if known.
        adjusted_logits: whether a mod changed the logits it was drawn from.
        discarded: whether a backtrack removed it later.
    """

    index: int
    step: int | None
    sequence_order: int
    token: int | None
    text: str | None
    forced: bool
    forced_by: str | None
    adjusted_logits: bool
    discarded: bool


def report_trace(document: TraceDocument, options: ScoreOptions, below: float | None = None) -> Report:
    """Build the report of a Quote trace, including its interventions.

    Args:
        document: the trace.
        options: the scoring options.
        below: the limit of spans; None for a report without spans.

    Raises:
        InvalidInputError: a top-k list is not a distribution, or a backtrack's length is not a count.
    """
    pairing, window = pair_trace(document), options.window or DEFAULT_WINDOW
    alignment, gaps = align_trace(document, pairing)
    tokens = list_tokens(pairing)
    top_ps = [options.top_p] * len(tokens) if options.top_p else list_top_ps(pairing)
    scores = score_tokens(tokens, top_ps=top_ps, vocab_size=options.vocab_size or find_vocab_size(document))
    groups = group_confidences(tokens, scores, window)
    return {
        "k": max(pairing.lists.sizes, default=None),
        "logprobs_mode": options.logprobs_mode or RAW_LOGPROBS,
        "alignment": alignment,
        "warnings": [*pairing.warnings, *gaps],
        "sequence": asdict(score_sequence(tokens, scores, window=window)),
        "tokens": [
            _report_token(
                step.index,
                token,
                scored,
                group,
                step=step.source.index if step.source else None,
                sequence_order=step.event.sequence_order,
                forced_by=step.forced_by,
                adjusted_logits=step.adjusted_logits,
            )
            for step, token, scored, group in zip(pairing.steps, tokens, scores, groups, strict=True)
        ],
        "interventions": to_builtins(score_interventions(tokens, to_columns(scores), pairing.interventions)),
        **_report_spans(tokens, scores, document.request.final_text, below),
    }


def report_response(
    answer: Answer,
    options: ScoreOptions,
    *,
    text: str | None = None,
    below: float | None = None,
    warnings: Sequence[str] | None = None,
) -> Report:
    """Build the report of a server's response. Only tokens marked as forced are forced; mods are unknown.

    Args:
        answer: the response as read.
        options: the scoring options.
        text: the answer as a text; None if unknown.
        below: the limit of spans; None for a report without spans.
        warnings: the warnings of the whole item; None for those of the answer.
    """
    window, tokens = options.window or DEFAULT_WINDOW, answer.tokens
    scores = score_tokens(tokens, top_p=options.top_p or DEFAULT_TOP_P, vocab_size=options.vocab_size)
    groups = group_confidences(tokens, scores, window)
    interventions = score_interventions(tokens, to_columns(scores), find_forced_runs(tokens))
    return {
        "k": max((token.distribution.k for token in tokens if token.distribution), default=None),
        "logprobs_mode": options.logprobs_mode,
        "alignment": answer.alignment,
        "warnings": answer.warnings if warnings is None else warnings,
        "sequence": asdict(score_sequence(tokens, scores, window=window)),
        "tokens": [
            _report_token(index, token, scored, group, step=index, sequence_order=index)
            for index, (token, scored, group) in enumerate(zip(tokens, scores, groups, strict=True))
        ],
        "interventions": to_builtins(interventions),
        **_report_spans(tokens, scores, text, below),
    }


def _report_spans(
    tokens: Sequence[Token], scores: Sequence[TokenScores], answer: str | None, below: float | None
) -> Report:
    return {} if below is None else report_spans(tokens, scores, answer, below)


def find_vocab_size(document: TraceDocument) -> int | None:
    """Return the vocabulary size V, if a mod adjusted logits and the engine reported their shape [1, V]."""
    for action in document.actions:
        shape = action.get("logits_shape") if action.action_type == "AdjustedLogits" else None
        if isinstance(shape, list) and shape and type(shape[-1]) is int and 0 < shape[-1] <= MAX_INT32:
            return shape[-1]
    return None


def _report_token(  # noqa: PLR0913 - one argument per column of the row
    index: int,
    token: Token,
    scores: TokenScores,
    group_confidence: float | None,
    *,
    step: int | None,
    sequence_order: int,
    forced_by: str | None = None,
    adjusted_logits: bool = False,
) -> Report:
    origin: TokenOrigin = {
        "index": index,
        "step": step,
        "sequence_order": sequence_order,
        "token": token.token,
        "text": token.text,
        "forced": token.forced,
        "forced_by": forced_by,
        "adjusted_logits": adjusted_logits,
        "discarded": token.discarded,
    }
    return {**origin, **scores._asdict(), "group_confidence": group_confidence}
