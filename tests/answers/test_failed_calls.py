"""Failed calls, and items that are refused."""

from typing import Any

import pytest

from core.errors import InvalidInputError
from core.responses.items import read_item
from core.traces.kept import keep_answer
from tests.support.answers import load, make_chat, post
from tests.support.client import Client


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
        ({"hello": 1}, "body: not a response that can be scored"),
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


@pytest.mark.parametrize("reasons", [["error", "stop"], ["stop", "error"], ["stop", "stop"]])
def test_an_error_of_one_choice_leaves_the_other_answers(reasons: list[str]) -> None:
    chat = make_chat("Paris", "Rome") | {"error": {"message": "overloaded"}}
    for choice, reason in zip(chat["choices"], reasons, strict=True):
        choice["finish_reason"] = reason
    item = read_item({"request": {}, "response": chat})
    assert item.error is None
    texts = [keep_answer(item, choice).trace.document.request.final_text for choice in range(2)]
    assert texts == ["Paris", "Rome"]
    with pytest.raises(InvalidInputError, match="choice: 2 is out of range"):
        keep_answer(item, 2)


def test_a_response_fails_if_all_its_choices_do() -> None:
    chat = make_chat("Paris", "Rome") | {"error": {"message": "overloaded"}}
    for choice in chat["choices"]:
        choice["finish_reason"] = "error"
    assert read_item(chat).error == "overloaded"
    assert read_item({"request": {}, "response": chat | {"choices": []}}).error == "overloaded"


def test_a_stream_with_an_error_of_one_choice_keeps_the_others() -> None:
    chunks: list[dict[str, Any]] = [
        {"id": "c", "object": "chat.completion.chunk", "choices": [{"index": i, "delta": {"content": text}}]}
        for i, text in enumerate(("Paris", "Rome"))
    ]
    part: dict[str, Any] = {"index": 1, "delta": {"content": ""}, "finish_reason": "error"}
    end = {**chunks[0], "error": {"message": "x"}, "choices": [part]}
    item = read_item([*chunks, end])
    assert (item.error, len(item.answers)) == (None, 2)


def test_a_failed_call_keeps_what_arrived() -> None:
    """The recorder posts the chunks before a failure, which may follow the ping of a proxy."""
    chunk = {"object": "chat.completion.chunk", "model": "m", "choices": [{"index": 0, "delta": {"content": "Par"}}]}
    item = read_item({"request": {}, "response": [{"type": "ping"}, chunk], "error": "connection lost"})
    kept = keep_answer(item, 0)
    request = kept.trace.document.request
    assert (request.final_text, request.model, kept.facts.source) == ("Par", "m", "openai")
    assert (kept.facts.error, kept.trace.sequence.sequence_confidence) == ("connection lost", None)
    unknown = read_item({"request": {}, "response": [{"hello": 1}], "error": "connection lost"})
    assert (unknown.error, unknown.answers, len(unknown.warnings)) == ("connection lost", [], 1)
