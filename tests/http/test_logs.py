"""Stored traces are returned: the document byte for byte, the log field by field."""

import json
import math
from datetime import datetime
from typing import Any
from urllib.parse import quote

import psycopg
import pytest

from core.wire.zstandard import decompress
from tests.support.approximate import near
from tests.support.client import Client
from tests.support.documents import (
    TRACES,
    action,
    added,
    call,
    forward,
    load_trace,
    make_document,
    masked,
    number,
    one_token,
    sampled,
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
FEED_FIELDS = [
    "request_id",
    "created_ts",
    "finished_ts",
    "model_id",
    "user_api_key",
    "final_text",
    "total_steps",
    "favorited_by",
    "discussion_count",
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


def test_forced_and_discarded_tokens_are_marked(client: Client) -> None:
    client.ingest(load_trace("backtrack"))
    steps = client.log("smollm2-backtrack")["steps"]
    assert [step["step_index"] for step in steps if step["discarded"]] == [4, 5, 6, 19, 20, 21]
    forced = [step for step in steps if step["forced"]]
    assert len(forced) == 16
    assert {step["forced_by"] for step in forced} == {"wrapped_client_mod_backtrack_sorry"}
    assert "".join(step["token_text"] for step in forced[:8]) == " — wait, let me rethink that."
    assert [step["entropy"] is not None for step in forced] == [True] + [False] * 7 + [True] + [False] * 7


def test_passes_are_numbered_where_the_engine_left_all_steps_at_zero(client: Client) -> None:
    document = load_trace("step-always-zero")
    client.ingest(document)
    shown = client.log("smollm2-step-always-zero")
    passes = [event for event in shown["events"] if event["event_type"] == "ForwardPass"]
    assert [event["step"] for event in passes] == list(range(len(passes)))
    by_step: dict[int, list[str]] = {}
    for event in shown["events"]:
        by_step.setdefault(event["step"], []).append(event["event_type"])
    assert by_step[3] == ["ForwardPass", "Sampled", "Added"]
    assert client.get("/logs/smollm2-step-always-zero/trace").json == masked(document)


def test_lists_with_only_probabilities_get_logprobs(client: Client) -> None:
    top = [{"token": 5, "prob": 0.75}, {"token": 6, "prob": 0.25}, {"token": 7, "prob": 0}]
    client.ingest(make_document(events=number([forward(top), sampled(), added(5)])))
    shown = client.log("r1")
    assert shown["events"][0]["top_tokens"] == [
        {"token": 5, "prob": 0.75, "logprob": pytest.approx(math.log(0.75))},
        {"token": 6, "prob": 0.25, "logprob": pytest.approx(math.log(0.25))},
        {"token": 7, "prob": 0, "logprob": None},
    ]
    assert shown["steps"][0]["prob"] == pytest.approx(0.75)


def test_events_may_be_sparse_and_unsorted(client: Client) -> None:
    events = number(one_token() + one_token(6, "six"))
    for event in events:
        event["sequence_order"] = event["sequence_order"] * 1_000_003 + 7
    calls = [call(events[4]["sequence_order"])]
    client.ingest(make_document(events=events[::-1], mod_calls=calls))
    shown = client.log("r1")
    assert [step["token"] for step in shown["steps"]] == [5, 6]
    assert shown["mod_calls"][0]["event_id"] == 5


def test_payload_merges_details_and_own_fields_and_own_fields_take_precedence(client: Client) -> None:
    document = make_document(
        events=number([forward(), sampled(), added(7, 8, forced=True)]),
        mod_calls=[call(1, mod="nudge@secret-key")],
        actions=[
            action("ForceTokens", details={"tokens": [1], "tokens_as_text": ["a", "b"], "why": "x"}, tokens=[7, 8])
        ],
        request={"active_mod_name": "nudge@secret-key"},
    )
    client.ingest(document)
    shown = client.log("r1")
    assert shown["actions"][0]["payload"] == {"tokens": [7, 8], "tokens_as_text": ["a", "b"], "why": "x"}
    assert shown["actions"][0]["block_key"] == "nudge:Sampled"
    assert shown["actions"][0]["generation_step"] == 0
    assert shown["active_mod"] == {"id": 1, "name": "nudge"}
    assert [step["token_text"] for step in shown["steps"]] == ["a", "b"]
    assert {step["forced_by"] for step in shown["steps"]} == {"nudge"}


@pytest.mark.parametrize(
    ("posted", "shown"),
    [
        ("2026-11-22T18:40:51.810216+00:00", "2026-11-22T18:40:51.810216+00:00"),
        ("2026-11-22T20:40:51+02:00", "2026-11-22T18:40:51+00:00"),
        ("2026-11-22T18:40:51Z", "2026-11-22T18:40:51+00:00"),
        ("2026-11-22t18:40:51.5z", "2026-11-22T18:40:51.500000+00:00"),
        (1700000000, "2023-11-14T22:13:20+00:00"),
        (1700000000.25, "2023-11-14T22:13:20.250000+00:00"),
    ],
)
def test_timestamps_may_be_text_or_seconds(client: Client, posted: object, shown: str) -> None:
    client.ingest(make_document(request={"created_at": posted}))
    assert datetime.fromisoformat(client.log("r1")["created_ts"]) == datetime.fromisoformat(shown)
    assert datetime.fromisoformat(client.get("/logs").json["data"][0]["created_ts"]) == datetime.fromisoformat(shown)


def test_duplicate_post_replaces_the_trace_and_keeps_annotations(client: Client, sql: psycopg.Connection) -> None:
    client.ingest(make_document(events=number(one_token() * 5), mod_calls=[call(1)], actions=[action("Noop")]))
    sql.execute(
        "update requests set tags = '{good}', favorited_by = '{ann}', share_nonce = '\\x00', share_token_hash = '\\x00'"
    )
    answer = client.ingest(make_document(events=number(one_token(6, "six"))))
    assert (answer.status, answer.json["revision"], answer.json["replaced"]) == (201, 2, True)
    shown = client.log("r1")
    assert [step["token"] for step in shown["steps"]] == [6]
    assert (shown["tags"], shown["favorited_by"], shown["is_public"]) == (["good"], ["ann"], True)
    assert shown["mod_calls"] == shown["actions"] == []
    assert sql.execute("select count(*) from request_steps").fetchone() == (1,)
    assert sql.execute("select count(*) from actions").fetchone() == (0,)


def test_the_feed_is_newest_first_and_limits_its_pages(client: Client) -> None:
    for index, moment in enumerate([30, 10, 20, 20]):
        client.ingest(make_document(f"r{index}", request={"created_at": moment, "final_text": "hello"}))
    feed = client.get("/logs").json
    assert [row["request_id"] for row in feed["data"]] == ["r0", "r3", "r2", "r1"]
    assert (feed["limit"], feed["offset"], feed["returned"]) == (50, 0, 4)
    assert not set(FEED_FIELDS) - set(feed["data"][0])
    page = client.get("/logs?limit=2&offset=1").json
    assert [row["request_id"] for row in page["data"]] == ["r3", "r2"]
    assert client.get("/logs?limit=0&offset=-5").json["limit"] == 1
    assert client.get("/logs?limit=1000&offset=99999999999999999999").json["returned"] == 0
    answer = client.get("/logs?limit=many")
    assert (answer.status, answer.json["code"]) == (400, 400)
    assert "limit" in answer.json["error"]


def test_the_feed_has_a_confidence_curve_of_each_request(client: Client, sql: psycopg.Connection) -> None:
    for name in trace_names():
        assert client.ingest(load_trace(name)).status == 201
    for row in client.get("/logs?limit=100").json["data"]:
        report = client.get(f"/v1/confidence/{row['request_id']}").json
        windows = [one["group_confidence"] for one in report["tokens"] if one["group_confidence"] is not None]
        assert len(row["group_confidence"]) == min(32, len(windows))
        assert min(row["group_confidence"]) == pytest.approx(row["lowest_group_confidence"], rel=1e-6)
        assert row["group_confidence"][-1] == pytest.approx(windows[-1], rel=1e-6) or len(windows) > 32
    client.ingest(make_document("unscored"))
    sql.execute("update requests set group_confidence = null where request_id = 'smollm2-force-prefix'")
    rows = {row["request_id"]: row["group_confidence"] for row in client.get("/logs?limit=100").json["data"]}
    assert rows["unscored"] is rows["smollm2-force-prefix"] is None, "a request stored before the field existed"


def test_paths_may_end_in_a_slash(client: Client) -> None:
    client.ingest(make_document())
    for path in ("/logs/", "/logs/r1/", "/logs/r1/trace/", "/health/", "/healthz/", "/livez/"):
        assert client.get(path).status == 200, path


@pytest.mark.parametrize("request_id", ["a b", "é🙂", "a%20b", "a?b#c", "trace", "logs", "x" * 512])
def test_any_text_may_be_an_id(client: Client, request_id: str) -> None:
    assert client.ingest(make_document(request_id)).status == 201
    assert client.log(quote(request_id, safe=""))["request_id"] == request_id
    assert client.get(f"/logs/{quote(request_id, safe='')}/trace").status == 200


def test_unknown_requests_are_not_found(client: Client) -> None:
    for path in ("/logs/nobody", "/logs/nobody/trace", "/logs/%00", "/logs/%ff", "/logs/" + "x" * 3000):
        answer = client.get(path)
        assert answer.status == 404, path
        assert answer.json["code"] == 404
        assert answer.json["message"] == answer.json["error"]


def test_reads_require_the_admin_key(client: Client) -> None:
    client.ingest(make_document())
    for path in ("/logs", "/logs/r1", "/logs/r1/trace"):
        assert client.request("GET", path).status == 401
        assert client.request("GET", path, x_api_key="wrong").status == 401
        assert client.request("GET", path, authorization=f"Bearer {client.key}").status == 200


def test_errors_have_cors_headers_and_the_same_shape(client: Client) -> None:
    for method, path, status in (("GET", "/nope", 404), ("PUT", "/logs", 405), ("GET", "/logs", 401)):
        answer = client.request(method, path, origin="https://ui.example")
        assert answer.status == status
        assert answer.headers["access-control-allow-origin"] == "*"
        assert set(answer.json) == {"error", "message", "code"}
    preflight = client.request(
        "OPTIONS",
        "/logs",
        origin="https://ui.example",
        access_control_request_method="GET",
        access_control_request_headers="x-api-key",
    )
    assert preflight.status == 200


def test_missing_values_are_null_and_statistics_are_derived(client: Client) -> None:
    document = load_trace("plain-capital")
    client.ingest(document)
    shown = client.log("smollm2-plain-capital")
    assert shown["model_version"] is None
    assert shown["system_prompt"] is None
    assert shown["formatted_prompt"].startswith("<|im_start|>system")
    assert shown["max_steps"] == 60
    stats = shown["inference_stats"]
    assert (stats["prompt_tokens"], stats["generated_tokens"]) == (7, 60)
    assert stats["wall_time_ms"] == pytest.approx(1016.269)
    assert stats["avg_tokens_per_sec"] == pytest.approx(60 / 1.016269)


def test_a_trace_is_stored_once(client: Client, sql: psycopg.Connection) -> None:
    posted = json.dumps(masked(load_trace("plain-greedy"))).encode()
    client.post_bytes("/v1/ingest", json.dumps(load_trace("plain-greedy")).encode())
    row = sql.execute("select format, document, document_bytes from request_traces").fetchone()
    assert row is not None
    number, document, size = row
    assert decompress(document) == client.get("/logs/smollm2-plain-greedy/trace").data
    assert json.loads(decompress(document)) == json.loads(posted)
    assert (number, size) == (1, len(decompress(document)))
    arrays = sql.execute("""
        select sum(pg_column_size(request_steps)) + sum(pg_column_size(step_logit_summaries))
        from request_steps, step_logit_summaries
    """).fetchone()
    assert arrays is not None
    assert len(document) + arrays[0] < len(posted) * 0.25
    assert arrays[0] < 70 * 60


def test_a_repeated_read_renders_once_and_is_never_stale(client: Client, sql: psycopg.Connection) -> None:
    document = load_trace("plain-greedy")
    client.ingest(document)
    # A log that is sent as zstd is in the cache before its answer; an uncompressed one is compressed afterwards.
    assert client.get("/logs/smollm2-plain-greedy", accept_encoding="zstd").status == 200
    first = client.log("smollm2-plain-greedy")
    sql.execute("update request_traces set document = '\\x00'")  # a second rendering would fail
    assert client.log("smollm2-plain-greedy") == first
    document["request"]["final_text"] = "another"
    client.ingest(document)
    assert client.log("smollm2-plain-greedy")["final_text"] == "another"
    sql.execute("truncate requests restart identity cascade")
    document["request"]["final_text"] = "a third, under the same number"
    client.ingest(document)
    assert client.log("smollm2-plain-greedy")["final_text"] == "a third, under the same number"


def test_a_document_of_a_newer_version_is_rejected(client: Client, sql: psycopg.Connection) -> None:
    client.ingest(load_trace("plain-greedy"))
    sql.execute("update request_traces set format = 99")
    for path in ("", "/trace"):
        answer = client.get(f"/logs/smollm2-plain-greedy{path}")
        assert (answer.status, "newer version" in answer.json["message"]) == (503, True)
    assert client.get("/v1/confidence/smollm2-plain-greedy").status == 503
