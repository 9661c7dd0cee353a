"""Responses of any server, from the posted body to the log, the report, the feed and the document."""

import json
from typing import Any

import pytest

from tests.support.answers import FIXTURES, REQUEST, load, make_chat, post
from tests.support.client import Client
from tests.support.keys import label

SOURCES = {
    "gemini_generate_content": "gemini",
    "llama_cpp_completion": "llama.cpp",
    "llama_cpp_old": "llama.cpp",
    "llama_cpp_post_sampling": "llama.cpp",
    "ollama_chat": "ollama",
    "ollama_generate": "ollama",
    "openai_chat": "openai",
    "openai_completions": "openai",
    "openai_responses": "openai",
    "plain": "tokens",
    "sglang_generate": "sglang",
    "tgi_generate": "tgi",
    "vllm_chat": "openai",
    "vllm_completions": "openai",
}
Item = dict[str, Any]


def test_each_shape_has_a_fixture() -> None:
    assert {path.stem for path in FIXTURES.glob("*.json")} == SOURCES.keys()


@pytest.mark.parametrize("name", SOURCES)
def test_a_response_is_stored_and_read_like_a_trace(client: Client, name: str) -> None:
    item = {"request_id": name, "request": REQUEST, "response": load(name)}
    answer = post(client, item)
    assert answer.status == 201, answer.data
    scored = post_score(client, item)

    report = client.get(f"/v1/confidence/{name}").json
    more = {"json", "n", "spans", "votes"}  # other routes have these for stored requests
    assert report == {"request_id": name, **{key: value for key, value in scored.items() if key not in more}}
    assert answer.json["sequence_confidence"] == scored["sequence"]["sequence_confidence"]
    assert answer.json["warnings"] == scored["warnings"]

    log = client.log(name)
    assert log["source"] == SOURCES[name]
    assert log["group_id"] is None
    assert log["messages"] == REQUEST["messages"]
    assert (log["system_prompt"], log["user_prompt"]) == ("Be brief.", "Capital?")
    assert log["warnings"] == scored["warnings"]
    assert [step["token_text"] for step in log["steps"]] == [token["text"] for token in scored["tokens"]]
    assert [step["prob"] for step in log["steps"]] == pytest.approx([token["prob"] for token in scored["tokens"]])
    assert [len(one["topk"]) for one in log["step_logit_summaries"]] == [t["k"] for t in scored["tokens"] if t["k"]]
    assert (log["events"], log["mod_calls"], log["mod_logs"], log["actions"]) == ([], [], [], [])

    (row,) = client.get("/logs").json["data"]
    assert (row["request_id"], row["source"], row["group_id"]) == (name, SOURCES[name], None)
    assert row["final_text"] == log["final_text"]
    assert client.get(f"/logs/{name}/trace").data == json.dumps(item).encode()


def post_score(client: Client, item: object) -> Any:
    answer = client.post_bytes("/v1/score", json.dumps(item).encode(), x_api_key=client.key)
    assert answer.status == 200, answer.data
    return answer.json


def test_facts_of_a_chat_are_in_the_log(client: Client) -> None:
    chat = make_chat("Paris") | {"usage": {"prompt_tokens": 9, "completion_tokens": 1, "total_tokens": 10}}
    times = {"created_at": "2026-01-01T00:00:00Z", "completed_at": "2026-01-01T00:00:02Z"}
    request = {**REQUEST, "model": "alias", "temperature": 0.5, "max_tokens": 7}
    metadata = {"team": "a"}
    item = {"request_id": "r", **times, "tags": ["x"], "metadata": metadata, "request": request, "response": chat}
    assert post(client, item).status == 201
    log = client.log("r")
    assert (log["model_id"], log["final_text"], log["eos_reason"]) == ("m", "Paris", "stop")
    assert (log["max_steps"], log["steps"][0]["temperature"]) == (7, 0.5)
    assert (log["tags"], log["request_tags"]) == (["x"], metadata)
    stats = log["inference_stats"]
    assert (stats["prompt_tokens"], stats["generated_tokens"], stats["total_tokens"]) == (9, 1, 10)
    assert stats["wall_time_ms"] == 2000


def test_a_bare_response_has_the_id_of_its_request(client: Client) -> None:
    answer = post(client, make_chat("Paris"))
    assert (answer.status, answer.json["request_id"]) == (201, "chat-1")
    assert client.log("chat-1")["created_ts"] == "2025-11-24T16:00:00+00:00"
    assert post(client, make_chat("Paris")).json["revision"] == 2


def test_lines_labelled_as_json_are_several_items(client: Client) -> None:
    lines = "\n".join(json.dumps(make_chat(name, request_id=name)) for name in "abc")
    answer = client.post_bytes("/v1/ingest", lines.encode())
    assert answer.status == 207
    assert [row["request_id"] for row in answer.json["results"]] == ["a", "b", "c"]


def test_keys_are_masked_and_the_first_names_the_owner(client: Client) -> None:
    key, digest, header = "the user's own key", "5e884898da28047151d0e56f8dc62927", "sk-a-secret-of-the-proxy"
    metadata = {
        "user_api_key_hash": digest,
        "user_api_key_alias": "an alias",
        "headers": {"Authorization": f"Bearer {header}"},
        "nested": json.dumps({"user_api_key": "short", "note": f"{digest} again"}),
    }
    item: Item = {
        "request_id": "r",
        "user_api_key": key,
        "metadata": metadata,
        "request": {},
        "response": make_chat("a"),
    }
    assert post(client, item).status == 201
    stored = client.get("/logs/r/trace").data.decode()
    for secret in (key, digest, header, "short"):
        assert secret not in stored
    assert "an alias" in stored
    assert json.loads(stored)["user_api_key"] == label(key)
    (row,) = client.get("/logs").json["data"]
    assert row["user_api_key"] == label(key)
    own = client.request("GET", "/logs", x_api_key=key)
    assert [one["request_id"] for one in own.json["data"]] == ["r"]


def test_the_feed_filters_by_source(client: Client) -> None:
    assert post(client, make_chat("a", request_id="a")).status == 201
    assert client.ingest({"request": {"request_id": "q"}}).status == 201
    cases: list[tuple[str, list[str]]] = [("openai", ["a"]), ("quote", ["q"]), ("tgi", [])]
    for source, expected in cases:
        assert [row["request_id"] for row in client.get(f"/logs?source={source}").json["data"]] == expected


def test_an_echoed_prompt_is_not_the_answer(client: Client) -> None:
    lists = {"tokens": ["Hi", " there"], "token_logprobs": [None, -0.5], "top_logprobs": [None, {" there": -0.5}]}
    choice = {"index": 0, "text": "Hi there", "logprobs": lists, "finish_reason": "length"}
    response = {"id": "e", "object": "text_completion", "choices": [choice], "usage": {"completion_tokens": 1}}
    answer = post(client, {"request": {"prompt": "Hi", "echo": True}, "response": response})
    log = client.log(answer.json["request_id"])
    assert ([step["token_text"] for step in log["steps"]], log["final_text"]) == ([" there"], " there")
