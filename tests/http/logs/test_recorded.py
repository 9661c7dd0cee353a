"""Each recorded trace is returned: the document byte for byte, the log field by field."""

import json
import math
from datetime import datetime
from typing import Any

import pytest

from tests.support.approximate import near
from tests.support.client import Client
from tests.support.documents import (
    TRACES,
    masked,
    trace_names,
)

LOG_FIELDS = [
    "request_id",
    "created_ts",
    "finished_ts",
    "system_prompt",
    "user_prompt",
    "formatted_prompt",
    "model_id",
    "user_api_key",
    "is_public",
    "public_token",
    "model_version",
    "tokenizer_version",
    "vocab_hash",
    "sampler_preset",
    "sampler_algo",
    "rng_seed",
    "max_steps",
    "active_mod",
    "final_tokens",
    "final_text",
    "sequence_confidence",
    "eos_reason",
    "request_tags",
    "favorited_by",
    "tags",
    "events",
    "mod_calls",
    "mod_logs",
    "actions",
    "steps",
    "step_logit_summaries",
    "inference_stats",
    "discussion_count",
]
ROW_FIELDS = {
    "events": """id event_type step sequence_order created_at prompt_length max_steps input_text top_tokens
        sampled_token token_text added_tokens added_token_count forced""",
    "mod_calls": """id event_id mod_name event_type step created_at execution_time_ms exception_occurred
        exception_message""",
    "mod_logs": "id mod_call_id mod_name log_message log_level created_at",
    "actions": "action_id step_index mod_id block_id block_key action_type event payload created_at",
    "steps": """step_index token token_text forced forced_by adjusted_logits top_k top_p temperature prob logprob
        entropy flatness surprisal cum_nll rng_counter created_at discarded generation_step""",
    "step_logit_summaries": "id step_index phase topk top_p_cutoff top_p_count note created_at",
}
STATS_FIELDS = [
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
]


@pytest.mark.parametrize("name", trace_names())
def test_each_recorded_trace_is_returned_lossless_and_scored(client: Client, name: str) -> None:
    posted = (TRACES / f"{name}.json").read_bytes()
    answer = client.post_bytes("/v1/ingest", posted)
    assert answer.status == 201
    request_id = json.loads(posted)["request"]["request_id"]
    assert client.get(f"/logs/{request_id}/trace").json == masked(json.loads(posted))
    shown = client.log(request_id)
    check_log(shown, json.loads(posted))
    assert answer.json["sequence_confidence"] == shown["sequence_confidence"]
    reported = client.get(f"/v1/confidence/{request_id}").json["interventions"]
    assert list(map(flatten, shown["interventions"])) == [near(flatten(one)) for one in reported]
    assert 0 < shown["sequence_confidence"] < 1
    assert answer.json["tokens"] == len(shown["steps"])
    assert answer.json["events"] == len(shown["events"])


def flatten(intervention: dict[str, Any]) -> dict[str, Any]:
    removed = intervention["discarded"] or {}
    return {**intervention, "discarded": None, **{f"discarded.{name}": value for name, value in removed.items()}}


def check_log(shown: dict[str, Any], posted: dict[str, Any]) -> None:
    """Check that a log has all documented fields and that its rows refer to each other."""
    assert not set(LOG_FIELDS) - set(shown)
    for part, fields in ROW_FIELDS.items():
        for row in shown[part]:
            assert not set(fields.split()) - set(row), part
    assert not set(STATS_FIELDS) - set(shown["inference_stats"])
    event_ids = [event["id"] for event in shown["events"]]
    assert len(set(event_ids)) == len(event_ids)
    assert min(event_ids, default=1) >= 1
    assert {call["event_id"] for call in shown["mod_calls"]} <= set(event_ids)
    assert {line["mod_call_id"] for line in shown["mod_logs"]} <= {call["id"] for call in shown["mod_calls"]}
    assert {row["mod_id"] for row in shown["actions"]} <= {call["id"] for call in shown["mod_calls"]}
    assert all(row["step_index"] is None for row in shown["actions"])
    assert [step["step_index"] for step in shown["steps"]] == list(range(len(shown["steps"])))
    surviving = [step["token"] for step in shown["steps"] if not step["discarded"]]
    final = posted["request"]["final_token_ids"]
    assert surviving in (final, [*final, surviving[-1]])  # the engine may strip the end token
    for step in shown["steps"]:
        check_step(step)
    for summary in shown["step_logit_summaries"]:
        assert {"token", "logprob"} <= set(summary["topk"][0]) <= {"token", "logprob", "token_str"}


def check_step(step: dict[str, Any]) -> None:
    if step["prob"] is not None:
        assert step["prob"] == pytest.approx(math.exp(step["logprob"]), rel=1e-9)
        assert step["surprisal"] == -step["logprob"]
    if not step["forced"]:
        assert step["entropy"] is not None
        assert 0 <= step["flatness"] <= 1
        assert step["cum_nll"] is not None
    assert datetime.fromisoformat(step["created_at"]).tzinfo is not None
