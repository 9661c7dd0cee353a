"""Score the answer of a response like a trace: each token is a step with a forward pass, without events and mods."""

from itertools import groupby

import msgspec
import numpy as np

from core.confidence import (
    DEFAULT_TOP_P,
    Intervention,
    Token,
    find_nucleus,
    score_interventions,
    score_tokens,
    summarize_columns,
    to_columns,
)
from core.document.schema import Event, Request, TraceDocument
from core.pairing.scored_trace import NucleusColumns, ScoredTrace
from core.pairing.steps import Pairing, Pass, Step
from core.pairing.topk_lists import Lists

_NO_EVENT = Event(event_type="Sampled", step=0, sequence_order=0)
"""The event of every step. It has no values, because a response has no events."""


def score_answer(request: Request, tokens: list[Token], *, top_p: float | None = None) -> ScoredTrace:
    """Score the tokens of a response. Pure."""
    top_p = top_p or DEFAULT_TOP_P
    pairing = _pair(tokens)
    scores = to_columns(score_tokens(tokens, top_p=top_p))
    forced = np.array([token.forced for token in tokens], np.bool_)
    discarded = np.array([token.discarded for token in tokens], np.bool_)
    masked = sum(token.distribution is not None and token.distribution.masked for token in tokens)
    sequence, profile = summarize_columns(scores, forced=forced, discarded=discarded, masked=masked)
    found = [find_nucleus(one, top_p) for one in pairing.lists.distributions]
    nucleus = NucleusColumns(
        np.array([count or 0 for count, _ in found], np.int64), np.array([cutoff for _, cutoff in found], np.float64)
    )
    interventions = score_interventions(tokens, scores, find_forced_runs(tokens))
    pairing.interventions = find_forced_runs(tokens)
    return ScoredTrace(TraceDocument(request=request), pairing, scores, nucleus, sequence, profile, interventions)


def find_forced_runs(tokens: list[Token]) -> list[Intervention]:
    """Return each run of forced tokens as an intervention. Its mod and the overridden token are unknown."""
    runs = [[i for i, _ in run] for forced, run in groupby(enumerate(tokens), key=lambda one: one[1].forced) if forced]
    return [Intervention(None, None, None, run[0], run[0], run[-1], None) for run in runs]


def _pair(tokens: list[Token]) -> Pairing:
    lists = [token.distribution for token in tokens if token.distribution is not None]
    distributions = [msgspec.structs.replace(one, is_verbatim=False) for one in lists]  # there is no text to copy
    pairing = Pairing([], Lists([_NO_EVENT] * len(distributions), {}, None, distributions))
    row = 0
    for index, token in enumerate(tokens):
        has_list = token.distribution is not None
        one = Pass(index, _NO_EVENT, row if has_list else None, first_step=index)
        row += has_list
        pairing.passes.append(one)
        pairing.steps.append(
            Step(
                index=index,
                token=token.token,
                text=token.text,
                forced=token.forced,
                forced_by=None,
                adjusted_logits=False,
                event=_NO_EVENT,
                source=one,
                row=one.row,
                discarded=token.discarded,
            )
        )
    return pairing
