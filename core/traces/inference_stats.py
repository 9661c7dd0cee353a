"""Build `inference_stats`: the values that the engine reported, completed with values derived from the trace."""

import math
from typing import Any

from core.pairing.scored_trace import ScoredTrace

FIELDS = (
    "prompt_tokens",
    "generated_tokens",
    "total_tokens",
    "wall_time_ms",
    "avg_tokens_per_sec",
    "max_tokens_per_sec",
    "queue_latency_ms",
    "scheduler_latency_ms",
    "prefill_latency_ms",
    "decode_latency_ms",
    "postprocess_latency_ms",
    "estimated_cost_usd",
    "compute_node",
    "device_type",
    "captured_at",
)

MAX_AMOUNT = 10**15
MAX_TOKENS = 2**31 - 1


def build_inference_stats(trace: ScoredTrace) -> dict[str, Any]:
    """Return every field of the contract: the posted value, else the derived one, else None."""
    posted = trace.document.request.inference_stats or {}
    stats = {name: posted.get(name) for name in FIELDS}
    derived = _derive(trace)
    return {**posted, **{name: derived.get(name) if value is None else value for name, value in stats.items()}}


def measure_answer(trace: ScoredTrace) -> tuple[float | None, int | None]:
    """Return the duration in milliseconds and the number of generated tokens. None if unknown.

    A posted value that is not a number of at least 0 is ignored.
    """
    stats, derived = build_inference_stats(trace), _derive(trace)
    latency, tokens = (_first_amount(stats[name], derived[name]) for name in ("wall_time_ms", "generated_tokens"))
    return latency, None if tokens is None else min(int(tokens), MAX_TOKENS)


def _first_amount(*values: object) -> float | None:
    """Return the first value that is an amount. A bool is not one, although Python counts it as a number."""
    for value in values:
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < math.inf:
            return float(min(value, MAX_AMOUNT))
    return None


def _derive(trace: ScoredTrace) -> dict[str, Any]:
    request = trace.document.request
    generated = _count_generated(trace)
    prompt = next((e.prompt_length for e in trace.pairing.events if e.prompt_length is not None), None)
    if prompt is None and request.user_prompt_token_ids is not None:
        prompt = len(request.user_prompt_token_ids)
    seconds = None
    if request.created_at and request.completed_at and request.completed_at > request.created_at:
        seconds = (request.completed_at - request.created_at).total_seconds()
    return {
        "prompt_tokens": prompt,
        "generated_tokens": generated,
        "total_tokens": prompt + generated if prompt is not None and generated is not None else None,
        "wall_time_ms": seconds * 1000 if seconds else None,
        "avg_tokens_per_sec": generated / seconds if seconds and generated is not None else None,
        "captured_at": request.completed_at,
    }


def _count_generated(trace: ScoredTrace) -> int | None:
    """Count the tokens of the final text; None if no token is known."""
    final, steps = trace.document.request.final_token_ids, trace.pairing.steps
    if final is None and not steps:
        return None
    return len(final) if final is not None else sum(not step.discarded for step in steps)
