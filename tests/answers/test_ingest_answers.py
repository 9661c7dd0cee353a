"""Responses of any server, from the posted body to the log, the report, the feed and the document."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.client import Answer, Client
from tests.support.documents import make_document
from tests.support.keys import label

FIXTURES = Path(__file__).parents[1] / "responses" / "fixtures"
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
REQUEST = {"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Capital?"}]}
FLOAT_DIGITS = 6
"""Values in columns have seven digits; the report has all."""


def load(name: str) -> Any:
    return json.loads((FIXTURES / f"{name}.json").read_bytes())


def post(client: Client, item: object, **headers: str) -> Answer:
    return client.post_bytes("/v1/ingest", json.dumps(item).encode(), **headers)


Item = dict[str, Any]


def make_chat(*texts: str, request_id: str = "chat-1") -> dict[str, Any]:
    """Make a chat completion with one choice per text, each of one token with p = 0.5."""
    choices = [
        {
            "index": index,
            "message": {"role": "assistant", "content": text},
            "finish_reason": "stop",
            "logprobs": {"content": [{"token": text, "logprob": -0.6931471805599453, "top_logprobs": None}]},
        }
        for index, text in enumerate(texts)
    ]
    return {"id": request_id, "object": "chat.completion", "created": 1_764_000_000, "model": "m", "choices": choices}


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


def test_responses_without_an_id_are_two_requests(client: Client) -> None:
    answers = [post(client, load("ollama_chat")) for _ in range(2)]
    assert [answer.status for answer in answers] == [201, 201]
    assert len({answer.json["request_id"] for answer in answers}) == 2


@pytest.mark.parametrize("bad", ["a/b", "a\nb", "stream", "x" * 513, "\ud800"])
def test_an_id_that_cannot_be_part_of_a_path_is_rejected_with_advice(client: Client, bad: str) -> None:
    answer = post(client, make_chat("Paris", request_id=bad))
    assert answer.status == 400
    assert answer.json["error"].startswith("id: an id ")
    assert "send {request_id, response}" in answer.json["error"]
    assert client.get("/logs").json["data"] == []


def test_a_response_without_logprobs_has_no_scores_and_a_warning(client: Client) -> None:
    chat = make_chat("Paris")
    del chat["choices"][0]["logprobs"]
    answer = post(client, chat)
    assert (answer.status, answer.json["sequence_confidence"]) == (201, None)
    assert answer.json["warnings"] == client.log("chat-1")["warnings"]
    assert "no logprobs" in answer.json["warnings"][0]
    log = client.log("chat-1")
    assert (log["final_text"], log["steps"], log["sequence_confidence"]) == ("Paris", [], None)
    assert log["inference_stats"]["generated_tokens"] is None
    report = client.get("/v1/confidence/chat-1").json
    assert (report["tokens"], report["warnings"]) == ([], answer.json["warnings"])


@pytest.mark.parametrize(
    ("item", "error"),
    [
        ({"request_id": "r", "request": {}, "response": None, "error": "timed out"}, "timed out"),
        ({"request_id": "r", "request": {}, "error": {"message": "no such model"}}, "no such model"),
        ({"request_id": "r", "request": {}, "response": {"error": {"message": "overloaded"}}}, "overloaded"),
        (
            {"request_id": "r", "request": {}, "response": {"output": [], "status": "failed", "error": {"code": "c"}}},
            "c",
        ),
    ],
)
def test_a_failed_call_is_stored_with_its_error(client: Client, item: dict[str, Any], error: str) -> None:
    answer = post(client, item)
    assert (answer.status, answer.json["tokens"]) == (201, 0)
    assert client.log("r")["error"] == error
    assert [row["request_id"] for row in client.get("/logs?has_exception=true").json["data"]] == ["r"]


@pytest.mark.parametrize(
    ("item", "sentence"),
    [
        ({"hello": 1}, "this is not a response"),
        ({"request_id": "r", "request": {}, "response": 7}, "response: must be an object"),
        ({"request_id": "r", "request": [], "response": make_chat("a")}, "request: must be an object"),
        ({"request_id": 7, "request": {}, "response": make_chat("a")}, "request_id: must be a string"),
        ({"request_id": "r", "created_at": "x", "request": {}, "response": make_chat("a")}, "created_at: a timestamp"),
        ({"request_id": "r", "tags": ["a" * 101], "request": {}, "response": make_chat("a")}, "tags[0]: must have"),
        ({"request_id": "r", "request": {}, "response": []}, "response: is empty"),
        ({"request_id": "r", "request": {}, "response": "hello"}, "response: event 0 is not JSON"),
        ([], "body: an empty list"),
    ],
)
def test_bad_items_are_rejected_with_their_path(client: Client, item: object, sentence: str) -> None:
    answer = post(client, item)
    assert answer.status == 400
    assert answer.json["error"].startswith(sentence)
    assert client.get("/logs").json["data"] == []


def test_a_list_contains_items_and_a_bad_one_does_not_affect_the_others(client: Client) -> None:
    several = make_chat("b", "c", request_id="g")
    answer = post(client, [make_chat("a", request_id="a"), {"hello": 1}, several, {"request": {"request_id": "q"}}])
    assert answer.status == 207
    results = answer.json["results"]
    assert [(row["index"], row["request_id"], row["status"]) for row in results] == [
        (0, "a", 201),
        (1, None, 400),
        (2, "g~0", 201),
        (2, "g~1", 201),
        (3, "q", 201),
    ]
    assert "error" in results[1]
    assert "error" not in results[0]


def test_lines_labelled_as_json_are_several_items(client: Client) -> None:
    lines = "\n".join(json.dumps(make_chat(name, request_id=name)) for name in "abc")
    answer = client.post_bytes("/v1/ingest", lines.encode())
    assert answer.status == 207
    assert [row["request_id"] for row in answer.json["results"]] == ["a", "b", "c"]


def test_answers_of_a_group_are_separate_requests(client: Client) -> None:
    item = {"request_id": "g", "request": REQUEST, "response": make_chat("one", "two", "three")}
    answer = post(client, item)
    assert answer.status == 207
    ids = ["g~0", "g~1", "g~2"]
    assert [(row["index"], row["request_id"], row["status"]) for row in answer.json["results"]] == [
        (index, name, 201) for index, name in enumerate(ids)
    ]
    assert [client.log(name)["final_text"] for name in ids] == ["one", "two", "three"]
    assert {client.log(name)["group_id"] for name in ids} == {"g"}
    assert client.get("/logs/g~1/trace").data == json.dumps(item).encode()
    missing = client.get("/logs/g")
    assert missing.status == 404
    assert "/logs?group_id=g" in missing.json["error"]
    listed = client.get("/logs?group_id=g").json["data"]
    assert sorted(row["request_id"] for row in listed) == ids


def test_posting_a_group_again_replaces_all_of_it(client: Client) -> None:
    def ids() -> list[str]:
        return sorted(row["request_id"] for row in client.get("/logs").json["data"])

    def item(*texts: str) -> dict[str, Any]:
        return {"request_id": "g", "request": {}, "response": make_chat(*texts)}

    for texts, expected in [
        (("a",), ["g"]),
        (("a", "b", "c"), ["g~0", "g~1", "g~2"]),
        (("a", "b"), ["g~0", "g~1"]),
        (("a",), ["g"]),
    ]:
        post(client, item(*texts))
        assert ids() == expected


def test_quote_traces_have_the_group_that_they_name(client: Client) -> None:
    for number in range(2):
        client.ingest(make_document(f"sample-{number}", request={"group_id": "g"}))
    assert {client.log(f"sample-{number}")["group_id"] for number in range(2)} == {"g"}
    # Neither an item with the id of the group nor a replaced trace deletes the other samples.
    post(client, {"request_id": "g", "request": {}, "response": make_chat("one")})
    client.ingest(make_document("sample-0", request={"group_id": "h"}))
    listed = client.get("/logs?group_id=g").json["data"]
    assert [row["request_id"] for row in listed] == ["sample-1"]
    assert client.log("sample-0")["group_id"] == "h"


@pytest.mark.parametrize("unusable", [7, "", "a/b", ["g"], {"id": "g"}, "stream", "g" * 513])
def test_a_group_that_cannot_be_an_id_is_ignored_with_a_warning(client: Client, unusable: object) -> None:
    answer = client.ingest(make_document(request={"group_id": unusable}))
    assert (answer.status, answer.json["warnings"]) == (
        201,
        ["request.group_id: ignored; send a text that can be a request_id"],
    )
    assert client.log("r1")["group_id"] is None


def test_one_invalid_answer_rejects_its_group(client: Client) -> None:
    chat = make_chat("one", "two")
    chat["choices"][1]["logprobs"]["content"][0]["logprob"] = 1.5
    answer = post(client, chat)
    assert answer.status == 400
    assert answer.json["error"].startswith("choices[1].logprobs.content[0].logprob")
    assert client.get("/logs").json["data"] == []


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


@pytest.mark.parametrize("is_bare", [False, True])
def test_an_id_that_contains_a_key_is_refused(client: Client, *, is_bare: bool) -> None:
    key = "a long key of a user"
    chat = make_chat("a", request_id=key if is_bare else "c") | {"metadata": {"user_api_key": key}}
    item = chat if is_bare else {"request_id": f"id-{key}", "user_api_key": key, "request": {}, "response": chat}
    answer = post(client, item)
    assert (answer.status, "can't contain a user API key" in answer.json["error"]) == (400, True)


@pytest.mark.parametrize("where", ["response", "response[0]"])
def test_a_quote_trace_in_an_item_is_refused_with_advice(client: Client, where: str) -> None:
    trace: Any = {"request": {"request_id": "q"}, "events": []}
    answer = post(client, {"request_id": "a", "response": trace if where == "response" else [trace]})
    assert answer.status == 400
    assert answer.json["error"].startswith("response: a Quote trace can't be part of an item")


def test_a_failed_call_without_a_response_names_no_server(client: Client) -> None:
    assert post(client, {"request_id": "f", "request": {"model": "m"}, "error": "timeout"}).status == 201
    (row,) = client.get("/logs?source=unknown").json["data"]
    assert (row["request_id"], client.log("f")["source"]) == ("f", "unknown")
    assert client.get("/logs?source=openai").json["data"] == []


FAILURES: list[tuple[dict[str, Any], str, str]] = [
    ({"id": "r", "object": "response", "status": "failed", "error": {"message": "no"}, "output": []}, "openai", "no"),
    ({"promptFeedback": {"blockReason": "SAFETY"}, "responseId": "r"}, "gemini", "SAFETY"),
    ({"object": "error", "message": "too long", "code": 400}, "unknown", "too long"),
    ({"id": "r", "choices": [{"error": {"message": "upstream"}, "message": {"content": ""}}]}, "openai", "upstream"),
    ({"detail": "Not found"}, "unknown", "Not found"),
]


@pytest.mark.parametrize(("response", "source", "reason"), FAILURES)
def test_a_server_s_error_is_a_failed_call_in_any_form(
    client: Client, response: dict[str, Any], source: str, reason: str
) -> None:
    answer = post(client, response)
    assert answer.status == 201, answer.data
    log = client.log(answer.json["request_id"])
    assert (log["source"], reason in log["error"], log["sequence_confidence"]) == (source, True, None)
    assert log["warnings"] == []
    assert answer.json["request_id"] == "r" or source == "unknown"


def test_declared_logits_are_refused_wherever_they_are_declared(client: Client) -> None:
    items: list[dict[str, Any]] = [
        {"request": {"logprobs_mode": "raw_logits"}, "response": make_chat("a")},
        {"request": {}, "response": {**make_chat("a"), "logprobs_mode": "processed_logits"}},
        {"request": {}, "response": make_chat("a"), "logprobs_mode": "raw_logits"},
    ]
    for item in items:
        answer = post(client, item)
        assert (answer.status, "logits are not log-probabilities" in answer.json["error"]) == (400, True)


def test_an_echoed_prompt_is_not_the_answer(client: Client) -> None:
    lists = {"tokens": ["Hi", " there"], "token_logprobs": [None, -0.5], "top_logprobs": [None, {" there": -0.5}]}
    choice = {"index": 0, "text": "Hi there", "logprobs": lists, "finish_reason": "length"}
    response = {"id": "e", "object": "text_completion", "choices": [choice], "usage": {"completion_tokens": 1}}
    answer = post(client, {"request": {"prompt": "Hi", "echo": True}, "response": response})
    log = client.log(answer.json["request_id"])
    assert ([step["token_text"] for step in log["steps"]], log["final_text"]) == ([" there"], " there")
