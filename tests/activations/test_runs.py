"""Runs of the activations page: the sent, stored and returned fields."""

from datetime import datetime
from typing import Any

import orjson
import pytest

from core.wire.zstandard import decompress
from tests.activations.conftest import SUMMARY, TOKENS, Place, check_error
from tests.support.hf_server import make_timeline
from tests.support.keys import ADMIN_KEY
from tests.support.upstream import Raw

TEXT = "Yes, maybe."
UI = {
    "prompt": "  Is it?\n",
    "model_id": "meta-llama/Llama-3.1-8B-Instruct",
    "max_tokens": 128,
    "collect_activations": True,
    "inline_sae": True,
    "sae_id": "llama_scope_lxr_8x",
    "sae_layer": 16,
    "sae_top_k": 20,
}


def test_a_run_sends_the_fields_of_the_contract_and_answers_with_those_of_the_ui(place: Place) -> None:
    ran = place.run(**UI, sae_local_path="/etc/passwd")
    (call,) = place.upstream.list_calls("/hf/generate")
    assert call.body == {
        "prompt": "Is it?",
        "max_tokens": 128,
        "temperature": 0.7,
        "top_p": 0.9,
        "top_k": 1,
        "inline_sae": True,
        "sae_id": "llama_scope_lxr_8x",
        "sae_layer": 16,
        "sae_top_k": 20,
    }
    assert "x-user-api-key" not in call.headers
    assert set(ran) == {"request_id", "status", "run_summary", "output", "preview", "created_at"}
    assert (ran["status"], ran["output"]) == ("ok", {"text": TEXT, "token_ids": TOKENS})
    assert (len(ran["request_id"]), ran["request_id"][:3]) == (35, "ax-")
    rows = place.read(f"/{ran['request_id']}/rows?limit=500")["rows"]
    assert ran["preview"] == {"events": [], "actions": [], "activation_rows": rows}
    assert ran["run_summary"] == place.read(f"/{ran['request_id']}/summary")
    assert ran["created_at"] == ran["run_summary"]["created_at"]


def test_a_summary_has_the_counts(place: Place) -> None:
    summary = place.run(**UI)["run_summary"]
    timeline = make_timeline(TOKENS, 20)
    assert set(summary) == SUMMARY
    assert datetime.fromisoformat(summary["created_at"]).utcoffset() is not None
    shown = {name: summary[name] for name in ("model_id", "prompt_chars", "output_tokens", "status", "error_message")}
    assert shown == {
        "model_id": UI["model_id"],
        "prompt_chars": 6,
        "output_tokens": len(TOKENS),
        "status": "ok",
        "error_message": None,
    }
    assert (summary["events_count"], summary["actions_count"]) == (0, 0)
    assert summary["activation_rows_count"] == sum(len(one["top_features"]) for one in timeline)
    assert summary["unique_features_count"] == len({f["id"] for one in timeline for f in one["top_features"]})
    assert (summary["sae_enabled"], summary["sae_id"], summary["sae_layer"]) == (True, UI["sae_id"], 16)
    assert summary["top_features_preview"][:2] == [1, 7]
    assert len(summary["top_features_preview"]) == 20
    assert isinstance(summary["duration_ms"], int)
    assert summary["trace_request_id"].startswith("hf-")


def test_null_means_the_default(place: Place) -> None:
    names = ("model_id", "max_tokens", "temperature", "top_p", "top_k", "collect_activations", "inline_sae", "sae_id")
    place.run(**dict.fromkeys([*names, "sae_layer", "sae_top_k", "sae_local_path", "request_id"]))
    (call,) = place.upstream.list_calls("/hf/generate")
    assert [call.body[name] for name in ("max_tokens", "top_k", "sae_layer", "sae_top_k")] == [128, 1, 16, 20]


@pytest.mark.parametrize("off", ["collect_activations", "inline_sae"])
def test_a_run_without_an_autoencoder_has_no_rows(place: Place, off: str) -> None:
    ran = place.run(**{**UI, off: False})
    (call,) = place.upstream.list_calls("/hf/generate")
    assert call.body["inline_sae"] is False
    summary = ran["run_summary"]
    assert (summary["sae_enabled"], summary["sae_id"], summary["sae_layer"]) == (False, None, None)
    assert ran["preview"]["activation_rows"] == summary["top_features_preview"] == []
    assert place.read(f"/{ran['request_id']}/rows") == {"request_id": ran["request_id"], "row_count": 0, "rows": []}
    assert place.read(f"/{ran['request_id']}/top-features")["items"] == []


def test_the_whole_answer_is_stored(place: Place) -> None:
    extra = {
        "position": 2**40,
        "token": 5,
        "token_str": "\0",
        "top_features": [{"id": 2, "activation": 1e-300, "x": [1]}],
    }
    place.hf.change = lambda answer: {
        **answer,
        "feature_timeline": [*answer["feature_timeline"], extra],
        "more": {"a": 1},
    }
    ran = place.run(**UI)
    row = place.sql.execute(
        "select prompt, output_text, output_token_ids, sae_top_k, answer, answer_bytes from activation_previews"
    ).fetchone()
    assert row is not None
    assert row[:4] == ("Is it?", TEXT, TOKENS, 20)
    stored = orjson.loads(decompress(row[4]))
    assert len(decompress(row[4])) == row[5]
    assert stored["feature_timeline"] == [*make_timeline(TOKENS, 20), extra]
    assert stored["more"] == {"a": 1}
    assert place.read(f"/{ran['request_id']}/rows?limit=10000")["rows"][-1]["token_position"] == 2**40


def test_five_megabytes_of_features_are_stored_and_read(place: Place) -> None:
    features = [{"id": index, "activation": 1.0 / (index + 1)} for index in range(100)]
    timeline = [{"position": p, "token": p, "token_str": "x", "top_features": features} for p in range(1400)]
    place.hf.change = lambda answer: {**answer, "feature_timeline": timeline}
    ran = place.run()
    assert len(orjson.dumps(timeline)) > 5_000_000
    summary = ran["run_summary"]
    assert (summary["activation_rows_count"], summary["unique_features_count"]) == (140_000, 100)
    assert len(ran["preview"]["activation_rows"]) == 500
    rows = place.read(f"/{ran['request_id']}/rows?feature_id=99&limit=10000")
    assert (rows["row_count"], rows["rows"][-1]["rank"]) == (1400, 100)
    assert place.read(f"/{ran['request_id']}/top-features?n=1")["items"] == [
        {"feature_id": 0, "max_activation": 1.0, "hits": 1400}
    ]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("prompt", value) for value in (None, "", " \n", 5, "x" * 12_001, "a\0b", ["x"])),
        *(("max_tokens", value) for value in (0, 2049, "5", 1.5, True)),
        *(("temperature", value) for value in (-0.1, 2.1, "1")),
        *(("top_p", value) for value in (-0.1, 1.1)),
        *(("top_k", value) for value in (0, 201)),
        *(("sae_layer", value) for value in (-1, 256, 2**70)),
        *(("sae_top_k", value) for value in (0, 201)),
        *(("sae_id", value) for value in ("../evil", "org/any-model", "x" * 300)),
        *(("request_id", value) for value in ("", "a/b", "..", "a b", "x" * 201, "a|b", "é")),
        ("model_id", "x" * 501),
        ("inline_sae", "yes"),
    ],
)
def test_invalid_bodies_are_named_and_send_nothing(place: Place, field: str, value: object) -> None:
    answer = place.ask("POST", "/run", **{"prompt": "x", field: value})
    assert check_error(answer, 400, "INVALID_ARGUMENT")["message"].startswith(f"{field}: ")
    assert place.upstream.calls == []
    assert place.read("/runs")["items"] == []


def test_the_longest_prompt_may_have_any_characters(place: Place) -> None:
    prompt = "\U0001f600" * 12_000
    assert place.run(prompt=prompt)["run_summary"]["prompt_chars"] == 12_000
    assert place.upstream.list_calls("/hf/generate")[0].body["prompt"] == prompt


def test_listed_autoencoders_may_be_chosen(place: Place) -> None:
    for name in ("another_sae", "a third"):
        assert place.run(sae_id=name)["run_summary"]["sae_id"] == name


def test_an_id_is_used_once(place: Place, owner_key: str) -> None:
    place.run(request_id="mine")
    for key in (None, owner_key, ADMIN_KEY):
        answer = place.ask("POST", "/run", key, prompt="other", request_id="mine")
        check_error(answer, 409, "ALREADY_EXISTS")
    assert len(place.upstream.list_calls("/hf/generate")) == 1
    assert place.read("/mine/summary")["prompt_chars"] == 6


def test_extraction_stores_nothing(place: Place) -> None:
    answer = place.ask("POST", "/extract", token_ids=[1, 2], top_k=3, sae_layer=9, sae_id="another_sae")
    assert (answer.status, answer.json) == (200, {"status": "ok", "feature_timeline": make_timeline([1, 2], 3)})
    answer = place.ask("POST", "/extract", token_ids=[5], top_k=None)
    assert answer.json["feature_timeline"] == make_timeline([5], 20)
    bodies = [call.body for call in place.upstream.list_calls("/hf/extract")]
    assert bodies == [
        {"token_ids": [1, 2], "sae_id": "another_sae", "sae_layer": 9, "sae_top_k": 3},
        {"token_ids": [5]},
    ]
    assert place.read("/runs")["items"] == []
    wrong: tuple[Any, ...] = (None, [], [-1], ["x"], [1] * 8193)
    for ids in wrong:
        message = check_error(place.ask("POST", "/extract", token_ids=ids), 400, "INVALID_ARGUMENT")["message"]
        assert message.startswith("token_ids")
    check_error(place.ask("POST", "/extract", token_ids=[1], sae_id="evil"), 400, "INVALID_ARGUMENT")
    place.upstream.scripts["/hf/extract"] = Raw(b"{}")
    check_error(place.ask("POST", "/extract", token_ids=[1]), 502, "HF_BAD_RESPONSE")


def test_the_calls_of_the_page_in_order(place: Place) -> None:
    assert place.read("/health")["status"] == "ok"
    assert place.read("/runs?limit=25") == {"items": [], "next_cursor": None}
    run_id = place.run(**UI)["request_id"]
    assert place.read("/health")["last_error"] is None
    (item,) = place.read("/runs?limit=25")["items"]
    assert item == place.read(f"/{run_id}/summary")
    assert place.read(f"/{run_id}/rows?limit=500")["row_count"] == item["activation_rows_count"]
    assert place.read(f"/{run_id}/top-features?n=50")["items"][0]["feature_id"] == 1
