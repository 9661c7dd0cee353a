"""Build `inference_stats`: the values that the engine reported, completed with values derived from the trace."""

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


def build_inference_stats(trace: ScoredTrace) -> dict[str, Any]:
    """Return every field of the contract: the posted value, else the derived one, else None."""
    posted = trace.document.request.inference_stats or {}
    stats = {name: posted.get(name) for name in FIELDS}
    derived = _derive(trace)
    return {**posted, **{name: derived.get(name) if value is None else value for name, value in stats.items()}}


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
