"""Render the log, the answer of GET /logs/{id}, from the document.

core.traces.log_view adds the fields that change after ingest. Most of a log is top-k lists. A posted list that already
has the form of the log is copied as text, without parsing.
"""

import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

import msgspec

from core.confidence import Distribution
from core.document.schema import Event, strip_user_key
from core.errors import InvalidInputError
from core.pairing.pending_actions import block_key
from core.pairing.scored_trace import ScoredTrace
from core.pairing.topk_lists import show_list
from core.traces.inference_stats import build_inference_stats
from core.traces.kept import Facts, KeptTrace
from core.traces.log_rows import ActionRow, EventRow, LogFacts, LogHead, ModCallRow, ModLogRow, PassRow, StepRow
from core.traces.sampling import list_sampling
from core.wire.json_text import dump_json, make_writable

ROWS_AT_ONCE = 1000
"""Rows rendered at once. As objects, all rows of a long trace would take many times the size of the log."""
_ENCODE = msgspec.json.Encoder().encode


def render_log(kept: KeptTrace) -> Iterator[bytes | memoryview]:
    """Render the part of the log that does not change after ingest.

    Yields JSON members in pieces, with the outer closing brace but without the opening one.
    """
    trace = kept.trace
    yield dump_json({**_head(trace), **_list_facts(kept.facts), "sampling": list_sampling(kept)})[1:-1]
    yield from _render_rows("events", _iterate_events(trace))
    yield from _render_rows("mod_calls", _iterate_mod_calls(trace))
    yield from _render_rows("mod_logs", _iterate_mod_logs(trace))
    yield from _render_rows("actions", _iterate_actions(trace))
    yield from _render_rows("steps", _iterate_steps(trace))
    yield from _render_rows("step_logit_summaries", _iterate_passes(trace))
    yield from _render_rows("interventions", iter(trace.interventions))
    yield b"," + dump_json({"inference_stats": build_inference_stats(trace)})[1:]


def check_log(kept: KeptTrace) -> None:
    """Refuse free-form objects that are nested too deeply for the log. Called at ingest.

    Raises:
        InvalidInputError: an object is nested too deeply.
    """
    document = kept.trace.document
    dump_json([[[action.payload for action in document.actions]]])  # as deep as in the log, which is parsed again
    dump_json([document.request.inference_stats, kept.facts.metadata])


def _render_rows(name: str, rows: Iterator[msgspec.Struct]) -> Iterator[bytes | memoryview]:
    start = f',"{name}":['.encode()
    while held := list(itertools.islice(rows, ROWS_AT_ONCE)):
        yield start
        yield memoryview(_encode_rows(held))[1:-1]  # without a copy
        start = b","
    yield start.removesuffix(b",") + b"]"


def _encode_rows(rows: Sequence[msgspec.Struct]) -> bytes:
    """Encode rows. Lone surrogates and integers of more than 64 bits are replaced."""
    try:
        return _ENCODE(rows)
    except (UnicodeEncodeError, OverflowError):
        return _ENCODE([make_writable(msgspec.structs.asdict(row)) for row in rows])
    except RecursionError:
        raise InvalidInputError("body: nested too deeply to be shown; nest it less deeply") from None


def _head(trace: ScoredTrace) -> LogHead:
    request = trace.document.request
    first_pass = next(iter(trace.pairing.passes), None)
    active = strip_user_key(request.active_mod_name) if request.active_mod_name else None
    return {
        "finished_ts": request.completed_at,
        "system_prompt": request.system_prompt,
        "user_prompt": request.user_prompt,
        "formatted_prompt": first_pass.event.input_text if first_pass else None,
        "model_id": request.model,
        "model_version": None,
        "tokenizer_version": None,
        "vocab_hash": None,
        "sampler_preset": None,
        "sampler_algo": None,
        "rng_seed": None,
        "max_steps": next((e.max_steps for e in trace.pairing.events if e.max_steps is not None), request.max_tokens),
        "active_mod": {"id": 1, "name": active} if active else None,
        "final_tokens": request.final_token_ids,
        "final_text": request.final_text,
        "total_steps": len(trace.pairing.passes),
        "sequence_confidence": trace.sequence.sequence_confidence,
        "sequence_confidence_is_bound": trace.sequence.sequence_confidence_is_bound,
        "lowest_group_confidence": trace.sequence.lowest_group_confidence,
    }


def _list_facts(facts: Facts) -> LogFacts:
    return {
        "eos_reason": facts.finish_reason,
        "request_tags": facts.metadata,
        "messages": None if facts.messages is None else [asdict(one) for one in facts.messages],
        "error": facts.error,
        "warnings": facts.warnings,
    }


def _iterate_events(trace: ScoredTrace) -> Iterator[EventRow]:
    for index, (event, step) in enumerate(zip(trace.pairing.events, _list_steps(trace), strict=True), 1):
        yield EventRow(
            index,
            event.event_type,
            step,
            event.sequence_order,
            event.created_at,
            event.prompt_length,
            event.max_steps,
            event.input_text,
            _show_list_of(trace, event) if event.has_list else None,
            event.sampled_token,
            event.token_text,
            event.added_tokens,
            event.added_token_count,
            event.forced,
        )


def _show_list_of(trace: ScoredTrace, event: Event) -> msgspec.Raw | list[Any]:
    lists = trace.pairing.lists
    row = lists.rows.get(event.sequence_order)
    return event.top_tokens if row is not None and lists.is_verbatim(row) else show_list(event.top_tokens)


def _list_steps(trace: ScoredTrace) -> list[int]:
    """Return each event's posted step, or the index of its pass if several passes of the trace have the same step.

    The Quote UI groups events by this field alone.
    """
    passes = Counter(one.event.step for one in trace.pairing.passes)
    if any(count > 1 for count in passes.values()):
        return trace.pairing.pass_of_event
    return [event.step for event in trace.pairing.events]


def _iterate_mod_calls(trace: ScoredTrace) -> Iterator[ModCallRow]:
    event_ids = {event.sequence_order: index for index, event in enumerate(trace.pairing.events, 1)}
    for index, call in enumerate(trace.document.mod_calls, 1):
        yield ModCallRow(
            index,
            event_ids[call.event_sequence_order],
            strip_user_key(call.mod_name),
            call.event_type,
            call.step,
            call.created_at,
            call.execution_time_ms,
            call.exception_occurred,
            call.exception_message,
            call.exception_traceback,
        )


def _iterate_mod_logs(trace: ScoredTrace) -> Iterator[ModLogRow]:
    for index, line in enumerate(trace.document.mod_logs, 1):
        yield ModLogRow(
            index,
            line.mod_call_sequence + 1,
            strip_user_key(line.mod_name),
            line.log_message,
            line.log_level,
            line.created_at,
        )


def _iterate_actions(trace: ScoredTrace) -> Iterator[ActionRow]:
    calls = trace.document.mod_calls
    block_ids = {key: index for index, key in enumerate(dict.fromkeys(block_key(call) for call in calls), 1)}
    for action, paired in zip(trace.document.actions, trace.pairing.actions, strict=True):
        yield ActionRow(
            paired.index + 1,
            paired.generation_step,
            paired.call_index + 1,
            block_ids[paired.block_key],
            paired.block_key,
            action.action_type,
            calls[paired.call_index].event_type,
            action.payload,
            action.created_at,
        )


def _iterate_steps(trace: ScoredTrace) -> Iterator[StepRow]:
    temperature, scores = trace.document.request.temperature, trace.scores
    columns = (
        scores.prob,
        scores.prob_upper_bound,
        scores.logprob,
        scores.entropy,
        scores.flatness,
        scores.surprisal,
        scores.cum_nll,
    )
    lists = (column.tolist() for column in columns)  # the encoder writes NaN as null
    for step, prob, bound, logprob, entropy, flatness, surprisal, cum_nll in zip(
        trace.pairing.steps, *lists, strict=True
    ):
        event, source = step.event, step.source
        sampler = source.event if source else event
        yield StepRow(
            step.index,
            source.index if source else None,
            step.token,
            step.text,
            step.forced,
            step.forced_by,
            step.adjusted_logits,
            step.discarded,
            sampler.top_k if event.top_k is None else event.top_k,
            sampler.top_p if event.top_p is None else event.top_p,
            _choose_temperature(event, sampler, temperature),
            prob,
            bound,
            logprob,
            entropy,
            flatness,
            surprisal,
            cum_nll,
            event.created_at,
        )


def _choose_temperature(event: Event, sampler: Event, requested: float | None) -> float | None:
    if event.temperature is not None:
        return event.temperature
    return requested if sampler.temperature is None else sampler.temperature


def _iterate_passes(trace: ScoredTrace) -> Iterator[PassRow]:
    lists, nucleus = trace.pairing.lists, trace.nucleus
    cutoffs, counts = nucleus.cutoffs.tolist(), nucleus.counts.tolist()
    for one in trace.pairing.passes:
        if one.row is not None:
            yield PassRow(
                one.index + 1,
                one.index,
                "decode" if one.index else "prefill",
                one.event.top_tokens if lists.is_verbatim(one.row) else _show_distribution(lists.get(one.row)),
                cutoffs[one.row],
                counts[one.row] or None,
                one.event.created_at,
            )


def _show_distribution(distribution: Distribution) -> list[dict[str, Any]]:
    """Show an irregular list in the form that was scored: best token first, each token once."""
    return [
        {"token": token, "logprob": logprob, "token_str": text}
        for token, logprob, text in zip(distribution.tokens, distribution.logprobs, distribution.texts, strict=True)
    ]
