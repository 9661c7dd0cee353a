"""The fields of a log for traces that leave out, repeat or mix fields."""

import math
from datetime import datetime

import pytest

from tests.support.client import Client
from tests.support.documents import (
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
)


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
