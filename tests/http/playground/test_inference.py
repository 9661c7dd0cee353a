"""Inference over HTTP: the chat that a model server gets, the answer to the caller, and the log entries."""

import logging
from typing import Any

import pytest

from tests.http.playground.conftest import MODEL_ADMIN_KEY, Playground
from tests.support.upstream import Raw


def test_an_inference_answers_text_and_the_id_of_its_log(playground: Playground) -> None:
    key = playground.make_key()
    messages = [{"role": "system", "content": "Be short."}, {"role": "user", "content": "Hi 😀"}]
    answer = playground.infer(key, messages=messages, max_tokens=256, temperature=0.7, mod_name="playground_mod")
    assert answer.status == 200
    assert answer.json["text"] == "to Hi 😀"
    assert answer.json["request_id"] == "r1"
    assert answer.json["raw_response"]["object"] == "chat.completion"
    (call,) = playground.model.calls
    assert call.headers["x-user-api-key"] == key
    assert not {"authorization", "x-api-key", "cookie"} & set(call.headers)
    assert call.body == {
        "model": "modularai/Llama-3.1-8B-Instruct-GGUF/playground_mod",
        "messages": messages,
        "user_api_key": key,
        "max_tokens": 256,
        "temperature": 0.7,
    }


def test_absent_and_null_fields_are_not_sent(playground: Playground) -> None:
    key = playground.make_key()
    nulls: dict[str, Any] = {"mod_name": None, "max_tokens": None, "temperature": None, "extract_features": None}
    given: list[dict[str, Any]] = [{}, nulls, {"extract_features": True}]
    for fields in given:
        assert playground.infer(key, model="qwen-14b", **fields).status == 200
        call = playground.model.calls[-1]
        assert set(call.body) == {"model", "messages", "user_api_key"}
        assert call.body["model"] == "Qwen/Qwen3-14B-GGUF"


@pytest.mark.parametrize(
    ("response", "text", "request_id"),
    [
        ({}, "", None),
        ({"choices": []}, "", None),
        ({"choices": [{"message": {"content": None, "tool_calls": []}}], "id": 5}, "", None),
        ({"choices": "x", "id": ""}, "", None),
        ({"choices": [{"message": {"content": "a"}}], "id": "chatcmpl-x", "request_id": "y"}, "a", "y"),
        ({"id": "chatcmpl-x", "request_id": None, "x_request_id": 4, "concordance_request_id": "z"}, "", "z"),
        ({"id": "plain"}, "", "plain"),
        ({"id": "chatcmpl-"}, "", None),
    ],
)
def test_text_and_id_of_unusual_responses(
    playground: Playground, response: dict[str, Any], text: str, request_id: str | None
) -> None:
    playground.model.scripts["/v1/chat/completions"] = response
    answer = playground.infer(playground.make_key())
    assert answer.json == {"text": text, "request_id": request_id, "raw_response": response}


def test_no_secret_or_address_is_in_a_response(playground: Playground) -> None:
    model = playground.model
    model.scripts["/v1/chat/completions"] = {"id": "a", "system": [MODEL_ADMIN_KEY, f"{model.url}/v1"]}
    assert playground.infer(playground.make_key()).json["raw_response"]["system"] == ["…", "…/v1"]


@pytest.mark.parametrize(
    "fields",
    [
        {"model": "llama-3.1-70b"},
        {"model": None},
        {"messages": []},
        {"messages": None},
        {"messages": [{"role": "user"}]},
        {"messages": [{"role": "user", "content": None}]},
        {"messages": [{"role": "", "content": "x"}]},
        {"messages": [{"role": "user", "content": "x"}] * 101},
        {"max_tokens": 0},
        {"max_tokens": 1.5},
        {"max_tokens": 8193},
        {"temperature": -1},
        {"temperature": 3},
        {"temperature": "hot"},
    ],
)
def test_a_chat_that_is_not_valid_is_refused(playground: Playground, fields: dict[str, Any]) -> None:
    answer = playground.infer(playground.make_key(), **fields)
    assert answer.status == 400
    assert answer.json["message"].startswith(next(iter(fields)))
    assert playground.model.calls == []


def test_no_key_text_or_address_is_logged(playground: Playground, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    key = playground.make_key()
    playground.upload(key)
    playground.infer(key, messages=[{"role": "user", "content": "a private prompt"}])
    playground.model.scripts = dict.fromkeys(playground.model.scripts, Raw(b'{"detail": "a private reason"}', 500))
    playground.upload(key)
    playground.infer(key)
    ours = "\n".join(one.getMessage() for one in caplog.records)
    for secret in (key, MODEL_ADMIN_KEY, "private", playground.model.url, str(playground.model.port)):
        assert secret not in ours
    assert "answered 500" in ours
