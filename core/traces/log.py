"""The log: what GET /logs/{id} shows of a trace, field by field as shared/contract/quote-clients.md, "The log", has it.

Everything that never changes is made here once, at ingest, and stored compressed; core.traces.read adds the rest. Lists
of alternatives are most of it: where they are known to the letter, they go in without being written anew.
"""

import itertools
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import orjson

from core.confidence import Distribution
from core.traces.causes import block_key
from core.traces.document import strip_user_key
from core.traces.json_text import dump_json
from core.traces.lists import Shown
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
ROWS_AT_ONCE = 1000
"""Rows of the log that are objects at a time."""


def render_log(trace: ScoredTrace, lists: Mapping[int, Shown]) -> Iterator[bytes]:
    """The unchanging part of the log in pieces: JSON members without the outer brace that opens them.

    Args:
        trace: paired and scored.
        lists: what is shown of each event's list, by its sequence_order.
    """
    yield dump_json(_head(trace))[1:-1]
    yield from _dump_rows("events", _iterate_events(trace, lists))
    yield from _dump_rows("mod_calls", _iterate_mod_calls(trace))
    yield from _dump_rows("mod_logs", _iterate_mod_logs(trace))
    yield from _dump_rows("actions", _iterate_actions(trace))
    yield from _dump_rows("steps", _iterate_steps(trace))
    yield from _dump_rows("step_logit_summaries", _iterate_summaries(trace, lists))
    yield from _dump_rows("interventions", iter(trace.interventions))
    yield b"," + dump_json({"inference_stats": build_inference_stats(trace)})[1:]


def _dump_rows(name: str, rows: Iterator[object]) -> Iterator[bytes]:
    """One member, so many rows at a time: all of them at once are many times the size of their text."""
    start = f',"{name}":['.encode()
    while held := list(itertools.islice(rows, ROWS_AT_ONCE)):
        yield start
        yield dump_json([held])[2:-2]  # as deep as in the whole log, which must not fail where its rows do not
        start = b","
    yield start.removesuffix(b",") + b"]"


def _head(trace: ScoredTrace) -> Row:
    request = trace.document.request
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
    }


def _show(shown: Shown | None) -> Any:  # noqa: ANN401 - JSON
    return orjson.Fragment(bytes(shown)) if isinstance(shown, msgspec.Raw) else shown


def _iterate_events(trace: ScoredTrace, lists: Mapping[int, Shown]) -> Iterator[Row]:
    steps = _shown_steps(trace)
    return (
        {
            "id": position + 1,
            "event_type": event.event_type,
            "step": steps[position],
            "sequence_order": event.sequence_order,
            "created_at": event.created_at,
            "prompt_length": event.prompt_length,
            "max_steps": event.max_steps,
            "input_text": event.input_text,
            "top_tokens": _show(lists.get(event.sequence_order)),
            "sampled_token": event.sampled_token,
            "token_text": event.token_text,
            "added_tokens": event.added_tokens,
            "added_token_count": event.added_token_count,
            "forced": event.forced,
        }
        for position, event in enumerate(trace.pairing.events)
    )


def _shown_steps(trace: ScoredTrace) -> list[int]:
    """The posted steps; the pass's number for every event where the engine left several passes on one step.

    The UI pairs a step's events by this field alone.
    """
    passes = Counter(one.event.step for one in trace.pairing.passes)
    if any(count > 1 for count in passes.values()):
        return trace.pairing.pass_of_event
    return [event.step for event in trace.pairing.events]


def _iterate_mod_calls(trace: ScoredTrace) -> Iterator[Row]:
    event_ids = {event.sequence_order: position + 1 for position, event in enumerate(trace.pairing.events)}
    return (
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
    )


def _iterate_mod_logs(trace: ScoredTrace) -> Iterator[Row]:
    return (
        {
            "id": index + 1,
            "mod_call_id": line.mod_call_sequence + 1,
            "mod_name": strip_user_key(line.mod_name),
            "log_message": line.log_message,
            "log_level": line.log_level,
            "created_at": line.created_at,
        }
        for index, line in enumerate(trace.document.mod_logs)
    )


def _iterate_actions(trace: ScoredTrace) -> Iterator[Row]:
    """`step_index` stays null: filled, the UI hangs the action on every pass of that step."""
    calls = trace.document.mod_calls
    block_ids = {key: index + 1 for index, key in enumerate(dict.fromkeys(block_key(call) for call in calls))}
    for action, paired in zip(trace.document.actions, trace.pairing.actions, strict=True):
        yield {
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


def _iterate_steps(trace: ScoredTrace) -> Iterator[Row]:
    request = trace.document.request
    for step, scores in zip(trace.pairing.steps, trace.scores, strict=True):
        sampler = step.source.event if step.source else step.event
        yield {
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


def _first(*values: float | None) -> float | None:
    for value in values:
        if value is not None:
            return value
    return None


def _iterate_summaries(trace: ScoredTrace, lists: Mapping[int, Shown]) -> Iterator[Row]:
    for one in trace.pairing.passes:
        if one.distribution is None:
            continue
        count, cutoff = trace.nucleus_of(one)
        yield {
            "id": one.index + 1,
            "step_index": one.index,
            "phase": "decode" if one.index else "prefill",
            "topk": _show(lists[one.event.sequence_order])
            if one.distribution.is_as_sent
            else _show_topk(one.distribution),
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
