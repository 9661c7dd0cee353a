"""Convert a scored trace to the columns of each table, as parameters for the statements of core.traces.store."""

from typing import Any

import numpy as np

from core.confidence import InterventionScores
from core.database.arrays import bool_array, float8_array, int4_array, text_array, timestamptz_array
from core.database.columns import bool_column, integer_column, real_column, smallint_column
from core.document.schema import MAX_MODEL, strip_user_key
from core.pairing.pending_actions import block_key
from core.pairing.scored_trace import ScoredTrace
from core.pairing.steps import PairedAction
from core.pairing.version import SCORING_VERSION
from core.traces.ending import find_ending
from core.traces.first_list import digest_prompt, find_first_list
from core.traces.inference_stats import measure_answer
from core.traces.kept import KeptTrace
from core.wire.json_text import to_column_text

Columns = dict[str, Any]

NONE = -1
"""The stored value of an unknown id or index."""
PROMPT_CHARACTERS = 500
"""Characters of the prompt that the feed shows."""
MAX_SEARCHED = 50_000
"""Characters of a text that are indexed for search. A tsvector is limited to 1 MiB."""
SEQUENCE_SCORES = (
    "sequence_confidence",
    "sequence_confidence_is_bound",
    "perplexity",
    "sequence_nll",
    "min_token_probability",
    "mean_token_entropy",
    "mean_token_negentropy",
    "min_token_negentropy",
    "probability_margin",
    "mean_confidence",
    "tail_confidence",
    "lowest_group_confidence",
    "bottom_10pct_group_confidence",
    "low_confidence_fraction",
)
_STEP_SCORES = (
    "prob_upper_bound",
    "logprob",
    "entropy",
    "missing_mass",
    "flatness",
    "margin",
    "token_confidence",
)


def request_columns(kept: KeptTrace) -> Columns:
    """Return the row of `requests`."""
    trace, facts = kept.trace, kept.facts
    request, coverage = trace.document.request, trace.sequence.coverage
    mods = list_mods(trace)
    sampled = np.array([not (step.forced or step.discarded) for step in trace.pairing.steps], np.bool_)
    return {
        "request_id": request.request_id,
        "created_at": request.created_at,
        "completed_at": request.completed_at,
        "model": to_column_text(request.model and request.model[:MAX_MODEL]),
        "active_mod": to_column_text(next(iter(mods), None)),
        "mods": text_array(mods),
        "final_text": to_column_text(request.final_text),
        "total_steps": len(trace.pairing.passes),
        "k": max(trace.pairing.lists.sizes, default=None),
        "tokens": coverage.steps,
        "tokens_with_distribution": coverage.with_distribution,
        "sampled_tokens": coverage.sampled,
        "sampled_in_top_k": coverage.sampled_in_top_k,
        "scored_tokens": int(np.count_nonzero(sampled & ~np.isnan(trace.scores.prob_upper_bound))),
        "forced_tokens": coverage.forced,
        "discarded_tokens": coverage.discarded,
        "masked_tokens": coverage.masked,
        "interventions": len(trace.interventions),
        "backtracks": sum(one.discarded is not None for one in trace.interventions),
        **{name: getattr(trace.sequence, name) for name in SEQUENCE_SCORES},
        "group_confidence": float8_array(trace.profile) if trace.profile else None,
        "logprobs_mode": to_column_text(kept.options.logprobs_mode),
        "scoring_version": SCORING_VERSION,
        "has_exception": facts.error is not None or any(call.exception_occurred for call in trace.document.mod_calls),
        "source": facts.source,
        "tags": text_array(facts.tags),
        **_describe(kept),
    }


def count_rows(trace: ScoredTrace) -> dict[str, int]:
    """Count the rows of a trace for each table. For tables with one row of arrays per request, count the entries."""
    return {
        "requests": 1,
        "request_steps": len(trace.pairing.steps),
        "step_logit_summaries": len(trace.pairing.lists.events),
        "mod_calls": len(trace.document.mod_calls),
        "mod_logs": len(trace.document.mod_logs),
        "actions": len(trace.document.actions),
    }


def _describe(kept: KeptTrace) -> Columns:
    """Return the columns of the feed other than scores, and the text that `q` searches."""
    request, first_pass = kept.trace.document.request, next(iter(kept.trace.pairing.passes), None)
    prompt = request.user_prompt or (first_pass.event.input_text if first_pass else None)
    latency_ms, generated_tokens = measure_answer(kept.trace)
    texts = (prompt or "", request.final_text or "")
    return {
        "prompt": to_column_text(prompt and prompt[:PROMPT_CHARACTERS]),
        "latency_ms": latency_ms,
        "generated_tokens": generated_tokens,
        "ending": find_ending(kept, generated_tokens),
        "search": to_column_text("\n".join(text[:MAX_SEARCHED] for text in texts)) or "",
    }


def list_mods(trace: ScoredTrace) -> list[str]:
    """Return the mods that the request named or called, the named one first."""
    active = trace.document.request.active_mod_name
    called = (call.mod_name for call in trace.document.mod_calls)
    return list(dict.fromkeys(strip_user_key(name) for name in (active, *called) if name))


def array_columns(kept: KeptTrace) -> Columns:
    """Return the rows of `request_steps` and `step_logit_summaries`."""
    return {**_step_columns(kept.trace), **_pass_columns(kept.trace), **_first_columns(kept)}


def _step_columns(trace: ScoredTrace) -> Columns:
    steps, scores = trace.pairing.steps, trace.scores
    return {
        "step_generation_step": integer_column([NONE if step.source is None else step.source.index for step in steps]),
        "token": integer_column([NONE if step.token is None else step.token for step in steps]),
        "token_text": text_array(step.text for step in steps),
        "forced": bool_column([step.forced for step in steps]),
        "forced_by": text_array(step.forced_by for step in steps) if any(step.forced_by for step in steps) else None,
        "adjusted_logits": bool_column([step.adjusted_logits for step in steps]),
        "discarded": bool_column([step.discarded for step in steps]),
        "rank": smallint_column(scores.rank),
        **{name: real_column(getattr(scores, name)) for name in _STEP_SCORES},
    }


def _pass_columns(trace: ScoredTrace) -> Columns:
    return {
        "pass_generation_step": integer_column([one.index for one in trace.pairing.passes if one.row is not None]),
        "k": smallint_column(np.array(trace.pairing.lists.sizes, np.int64)),
        "top_p_count": smallint_column(trace.nucleus.counts),
        "top_p_cutoff": real_column(trace.nucleus.cutoffs),
    }


def _first_columns(kept: KeptTrace) -> Columns:
    digest = digest_prompt(kept.prompt)
    first = None if digest is None else find_first_list(kept.trace)
    return {
        "prompt_digest": digest,
        "first_tokens": int4_array(first.tokens) if first else None,
        "first_logprobs": real_column(np.array(first.logprobs)) if first else None,
    }


def mod_columns(trace: ScoredTrace) -> tuple[Columns, Columns]:
    """Return the rows of `mods` and `mod_blocks` that the trace needs."""
    blocks = {block_key(call): call for call in trace.document.mod_calls}
    names = [strip_user_key(call.mod_name) for call in blocks.values()]
    return {"name": text_array(sorted(set(names)))}, {
        "block_key": text_array(blocks),
        "mod_name": text_array(names),
        "event_type": text_array(call.event_type for call in blocks.values()),
    }


def activity_columns(trace: ScoredTrace) -> Columns:
    """Return the arrays of `mod_calls`, `mod_logs` and `actions`."""
    return {**_call_columns(trace), **_log_columns(trace), **_action_columns(trace)}


def _call_columns(trace: ScoredTrace) -> Columns:
    calls, pairing = trace.document.mod_calls, trace.pairing
    pass_of = {event.sequence_order: one for event, one in zip(pairing.events, pairing.pass_of_event, strict=True)}
    steps = [pass_of[call.event_sequence_order] for call in calls] if pairing.passes else [None] * len(calls)
    called = [block_key(call) for call in calls]
    blocks = {key: position for position, key in enumerate(dict.fromkeys(called))}
    messages = [call.exception_message for call in calls]
    return {
        "block_keys": text_array(blocks),
        "block": int4_array(blocks[key] for key in called),
        "call_generation_step": int4_array(steps),
        "execution_time_ms": float8_array(call.execution_time_ms for call in calls),
        "exception_occurred": bool_array(call.exception_occurred for call in calls),
        "exception_message": None if set(messages) == {None} else text_array(messages),
        "call_created_at": timestamptz_array(call.created_at for call in calls),
    }


def _log_columns(trace: ScoredTrace) -> Columns:
    lines = trace.document.mod_logs
    return {
        "log_call_index": int4_array(line.mod_call_sequence for line in lines),
        "log_level": text_array(line.log_level for line in lines),
        "log_message": text_array(line.log_message for line in lines),
        "log_created_at": timestamptz_array(line.created_at for line in lines),
    }


def _action_columns(trace: ScoredTrace) -> Columns:
    actions = trace.pairing.actions
    effects = [_effect_of(trace, action) for action in actions]
    return {
        "action_call_index": int4_array(action.call_index for action in actions),
        "action_type": text_array(action.action_type for action in actions),
        "action_generation_step": int4_array(action.generation_step for action in actions),
        "step_index": int4_array(action.step_index for action in actions),
        "forced_tokens": int4_array(action.forced_tokens for action in actions),
        "discarded_tokens": int4_array(action.discarded_tokens for action in actions),
        "intervention_surprisal": float8_array(effect.intervention_surprisal if effect else None for effect in effects),
        "confidence_change": float8_array(_change(effect) if effect else None for effect in effects),
        "action_created_at": timestamptz_array(action.created_at for action in trace.document.actions),
    }


def _effect_of(trace: ScoredTrace, action: PairedAction) -> InterventionScores | None:
    return None if action.intervention is None else trace.interventions[action.intervention]


def _change(effect: InterventionScores) -> float | None:
    before, after = effect.sequence_confidence_before, effect.sequence_confidence_after
    return None if before is None or after is None else after - before
