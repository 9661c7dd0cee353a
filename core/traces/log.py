"""The log: what GET /logs/{id} shows of a trace, field by field as shared/contract/quote-clients.md, "The log", has it.

Everything that never changes is made here once, at ingest, and stored compressed; core.traces.read adds the rest. Lists
of alternatives are most of it: where they are known to the letter, they go in without being written anew.
"""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

import orjson

from core.confidence import Distribution, InvalidDistribution, read_prob
from core.traces.causes import block_key
from core.traces.document import strip_user_key
from core.traces.json_text import dump_json
from core.traces.lists import is_shown_as_posted
from core.traces.scored import ScoredTrace
from core.traces.stats import build_inference_stats

Row = dict[str, Any]

UNKNOWN = (
    "model_version",
    "tokenizer_version",
    "vocab_hash",
    "sampler_preset",
    "sampler_algo",
    "rng_seed",
    "eos_reason",
)
"""Fields of the contract that no engine sends."""


def render_log(trace: ScoredTrace, lists: Sequence[bytes] | None = None) -> bytes:
    """The unchanging part of the log: JSON members without the outer brace that opens them.

    Args:
        trace: paired and scored.
        lists: the JSON of each event's top_tokens, as far as they have some, in the order of the events.
    """
    return dump_json(build_log(trace, lists))[1:]


def build_log(trace: ScoredTrace, lists: Sequence[bytes] | None = None) -> Row:
    """The unchanging part of the log as one object; `lists` as above."""
    request = trace.document.request
    shown = _show_lists(trace, lists)
    first_pass = next(iter(trace.pairing.passes), None)
    active = strip_user_key(request.active_mod_name) if request.active_mod_name else None
    return {
        "finished_ts": request.completed_at,
        "system_prompt": request.system_prompt,
        "user_prompt": request.user_prompt,
        "formatted_prompt": first_pass.event.input_text if first_pass else None,
        "model_id": request.model,
        **dict.fromkeys(UNKNOWN),
        "max_steps": next((e.max_steps for e in trace.pairing.events if e.max_steps is not None), request.max_tokens),
        "active_mod": {"id": 1, "name": active} if active else None,
        "final_tokens": request.final_token_ids,
        "final_text": request.final_text,
        "total_steps": len(trace.pairing.passes),
        "sequence_confidence": trace.sequence.sequence_confidence,
        "sequence_confidence_is_bound": trace.sequence.sequence_confidence_is_bound,
        "lowest_group_confidence": trace.sequence.lowest_group_confidence,
        "request_tags": {},
        "events": _event_rows(trace, shown),
        "mod_calls": _mod_call_rows(trace),
        "mod_logs": _mod_log_rows(trace),
        "actions": _action_rows(trace),
        "steps": _step_rows(trace),
        "step_logit_summaries": list(_iterate_summaries(trace, shown)),
        "interventions": [asdict(one) for one in trace.interventions],
        "inference_stats": build_inference_stats(trace),
    }


def _event_rows(trace: ScoredTrace, lists: dict[int, Any]) -> list[Row]:
    steps = _shown_steps(trace)
    return [
        {
            "id": position + 1,
            "event_type": event.event_type,
            "step": steps[position],
            "sequence_order": event.sequence_order,
            "created_at": event.created_at,
            "prompt_length": event.prompt_length,
            "max_steps": event.max_steps,
            "input_text": event.input_text,
            "top_tokens": lists.get(event.sequence_order),
            "sampled_token": event.sampled_token,
            "token_text": event.token_text,
            "added_tokens": event.added_tokens,
            "added_token_count": event.added_token_count,
            "forced": event.forced,
        }
        for position, event in enumerate(trace.pairing.events)
    ]


def _shown_steps(trace: ScoredTrace) -> list[int]:
    """The posted steps; the pass's number for every event where the engine left several passes on one step.

    The UI pairs a step's events by this field alone.
    """
    passes = Counter(one.event.step for one in trace.pairing.passes)
    if any(count > 1 for count in passes.values()):
        return trace.pairing.pass_of_event
    return [event.step for event in trace.pairing.events]


def _show_lists(trace: ScoredTrace, lists: Sequence[bytes] | None) -> dict[int, Any]:
    """What is shown of each event's list, by its sequence_order."""
    events = [event for event in trace.pairing.events if event.top_tokens is not None]
    if lists is None:
        return {event.sequence_order: _show_top_tokens(event.top_tokens) for event in events}
    return {event.sequence_order: orjson.Fragment(text) for event, text in zip(events, lists, strict=True)}


def _show_top_tokens(top_tokens: list[Any] | None) -> Any:  # noqa: ANN401 - JSON
    """The UI reads logprob: where only prob was posted, its logarithm is added."""
    if not top_tokens or is_shown_as_posted(top_tokens):
        return top_tokens
    return [_with_logprob(entry) for entry in top_tokens]


def _with_logprob(entry: Any) -> Any:  # noqa: ANN401 - as posted; only a ForwardPass's entries were checked
    if not isinstance(entry, dict) or entry.get("logprob") is not None or entry.get("prob") is None:
        return entry
    try:
        logprob = read_prob(entry["prob"], "prob")
    except InvalidDistribution:
        return entry
    return {**entry, "logprob": logprob if logprob > -math.inf else None}


def _mod_call_rows(trace: ScoredTrace) -> list[Row]:
    event_ids = {event.sequence_order: position + 1 for position, event in enumerate(trace.pairing.events)}
    return [
        {
            "id": index + 1,
            "event_id": event_ids[call.event_sequence_order],
            "mod_name": strip_user_key(call.mod_name),
            "event_type": call.event_type,
            "step": call.step,
            "created_at": call.created_at,
            "execution_time_ms": call.execution_time_ms,
            "exception_occurred": call.exception_occurred,
            "exception_message": call.exception_message,
            "exception_traceback": call.exception_traceback,
        }
        for index, call in enumerate(trace.document.mod_calls)
    ]


def _mod_log_rows(trace: ScoredTrace) -> list[Row]:
    return [
        {
            "id": index + 1,
            "mod_call_id": line.mod_call_sequence + 1,
            "mod_name": strip_user_key(line.mod_name),
            "log_message": line.log_message,
            "log_level": line.log_level,
            "created_at": line.created_at,
        }
        for index, line in enumerate(trace.document.mod_logs)
    ]


def _action_rows(trace: ScoredTrace) -> list[Row]:
    """`step_index` stays null: filled, the UI hangs the action on every pass of that step."""
    calls = trace.document.mod_calls
    block_ids = {key: index + 1 for index, key in enumerate(dict.fromkeys(block_key(call) for call in calls))}
    rows: list[Row] = []
    for action, paired in zip(trace.document.actions, trace.pairing.actions, strict=True):
        rows.append(
            {
                "action_id": paired.index + 1,
                "step_index": None,
                "generation_step": paired.generation_step,
                "mod_id": paired.call_index + 1,
                "block_id": block_ids[paired.block_key],
                "block_key": paired.block_key,
                "action_type": action.action_type,
                "event": calls[paired.call_index].event_type,
                "payload": action.payload,
                "created_at": action.created_at,
            }
        )
    return rows


def _step_rows(trace: ScoredTrace) -> list[Row]:
    request = trace.document.request
    rows: list[Row] = []
    for step, scores in zip(trace.pairing.steps, trace.scores, strict=True):
        sampler = step.source.event if step.source else step.event
        rows.append(
            {
                "step_index": step.index,
                "generation_step": step.source.index if step.source else None,
                "token": step.token,
                "token_text": step.text,
                "forced": step.forced,
                "forced_by": step.forced_by,
                "adjusted_logits": step.adjusted_logits,
                "discarded": step.discarded,
                "top_k": _first(step.event.top_k, sampler.top_k),
                "top_p": _first(step.event.top_p, sampler.top_p),
                "temperature": _first(step.event.temperature, sampler.temperature, request.temperature),
                "prob": scores.prob,
                "prob_upper_bound": scores.prob_upper_bound,
                "logprob": scores.logprob,
                "entropy": scores.entropy,
                "flatness": scores.flatness,
                "surprisal": scores.surprisal,
                "cum_nll": scores.cum_nll,
                "rng_counter": None,
                "created_at": step.event.created_at,
            }
        )
    return rows


def _first(*values: float | None) -> float | None:
    return next((value for value in values if value is not None), None)


def _iterate_summaries(trace: ScoredTrace, lists: dict[int, Any]) -> Iterator[Row]:
    for one in trace.pairing.passes:
        if one.distribution is None:
            continue
        count, cutoff = trace.nucleus_of(one)
        yield {
            "id": one.index + 1,
            "step_index": one.index,
            "phase": "decode" if one.index else "prefill",
            "topk": lists[one.event.sequence_order] if one.distribution.is_as_sent else _show_topk(one.distribution),
            "top_p_cutoff": cutoff,
            "top_p_count": count,
            "note": None,
            "created_at": one.event.created_at,
        }


def _show_topk(distribution: Distribution) -> list[Row]:
    """The list as it was scored, where it was not sent so: best first, each token once."""
    return [
        {"token": token, "logprob": logprob, "token_str": text}
        for token, logprob, text in zip(distribution.tokens, distribution.logprobs, distribution.texts, strict=True)
    ]
