"""The shape of a report, the same for a stored trace and for any server's response."""

from dataclasses import asdict
from typing import Any, Literal

from core.confidence import (
    DEFAULT_TOP_P,
    DEFAULT_WINDOW,
    Token,
    TokenScores,
    group_confidences,
    score_sequence,
    score_tokens,
)
from core.responses import ScoreOptions
from core.traces.scored import ScoredTrace

Report = dict[str, Any]

RAW_LOGPROBS = "raw_logprobs"
"""What Quote sends: from the model's raw logits, before a mod and before temperature. The name is vLLM's."""


def report_trace(trace: ScoredTrace, *, logprobs_mode: str | None = None) -> Report:
    """The report of a Quote trace, with what its mods did."""
    sequence = trace.sequence
    groups = group_confidences(trace.tokens, trace.scores, sequence.window)
    return {
        "k": trace.k,
        "logprobs_mode": logprobs_mode or RAW_LOGPROBS,
        "alignment": align(trace),
        "sequence": asdict(sequence),
        "tokens": [
            _report_token(
                step.index,
                token,
                scores,
                group,
                step=step.source.index if step.source else None,
                sequence_order=step.event.sequence_order,
                forced_by=step.forced_by,
                adjusted_logits=step.adjusted_logits,
            )
            for step, token, scores, group in zip(trace.pairing.steps, trace.tokens, trace.scores, groups, strict=True)
        ],
        "interventions": [asdict(intervention) for intervention in trace.interventions],
    }


def report_response(tokens: list[Token], options: ScoreOptions) -> Report:
    """The report of a server's response: nothing in it was forced but what it says, and no mod is known."""
    window = options.window or DEFAULT_WINDOW
    scores = score_tokens(tokens, top_p=options.top_p or DEFAULT_TOP_P, vocab_size=options.vocab_size)
    groups = group_confidences(tokens, scores, window)
    return {
        "k": max((token.distribution.k for token in tokens if token.distribution), default=None),
        "logprobs_mode": options.logprobs_mode,
        "alignment": "exact",
        "sequence": asdict(score_sequence(tokens, scores, window=window)),
        "tokens": [
            _report_token(index, token, scored, group, step=index, sequence_order=index)
            for index, (token, scored, group) in enumerate(zip(tokens, scores, groups, strict=True))
        ],
        "interventions": [],
    }


def align(trace: ScoredTrace) -> Literal["exact", "partial"]:
    """Whether the surviving tokens are the final ones. An engine may strip the end token, so the last may be missing.

    Anything else means that the trace does not tell the whole story, and neither do the scores.
    """
    final = trace.document.request.final_token_ids
    surviving = [step.token for step in trace.pairing.steps if not step.discarded]
    return "exact" if final is not None and final in (surviving, surviving[:-1]) else "partial"


def _report_token(  # noqa: PLR0913 - one row; every argument is one of its columns
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
    return {
        "index": index,
        "step": step,
        "sequence_order": sequence_order,
        "token": token.token,
        "text": token.text,
        "forced": token.forced,
        "forced_by": forced_by,
        "adjusted_logits": adjusted_logits,
        "discarded": token.discarded,
        **scores._asdict(),
        "group_confidence": group_confidence,
    }
