"""The request shows which parts of a response are not the answer."""

from typing import Any

import pytest

from core.responses import is_quote_trace, read_response
from core.responses.request import find_settings
from tests.responses.samples import load

TOP = [{"token": "x", "logprob": -0.5}, {"token": "y", "logprob": -1.5}]
CHOSEN = {"token": "z", "logprob": -4.0}


def exchange(request: dict[str, Any], response: Any) -> dict[str, Any]:
    return {"request": request, "response": response}


def chat(*listed: dict[str, Any]) -> dict[str, Any]:
    return {"choices": [{"logprobs": {"content": [CHOSEN | {"top_logprobs": list(listed)}]}}]}


@pytest.mark.parametrize("listed", [[*TOP, CHOSEN], [CHOSEN, *TOP]])
def test_a_chosen_token_appended_to_the_list_does_not_count_in_k(listed: list[dict[str, Any]]) -> None:
    (token,) = read_response(exchange({"logprobs": True, "top_logprobs": 2}, chat(*listed))).tokens
    assert token.distribution is not None
    assert (token.logprob, token.distribution.texts) == (-4.0, ("x", "y"))
    (unknown,) = read_response(chat(*listed)).tokens
    assert unknown.distribution is not None
    assert unknown.distribution.k == 3


@pytest.mark.parametrize(
    ("request_", "body"),
    [
        ({"logprobs": True, "top_logprobs": 3}, {}),
        ({"logprobs": 3}, {}),
        ({"parameters": {"top_n_tokens": 3}}, {}),
        ({"top_logprobs_num": 3}, {}),
        ({"n_probs": 3}, {}),
        ({"generationConfig": {"logprobs": 3}}, {}),
        ({"sampling_params": {"logprobs": 3}}, {}),
        ({"extra_body": {"top_logprobs": 3}}, {}),
        ({}, {"generation_settings": {"n_probs": 3}}),
        ({}, {"output": [], "top_logprobs": 3}),
    ],
)
def test_k_is_read_under_the_name_of_each_server(request_: dict[str, Any], body: dict[str, Any]) -> None:
    assert find_settings(request_, body).k == 3


def test_a_response_alone_does_not_determine_k() -> None:
    assert find_settings({}, {"top_logprobs": 3, "logprobs": 3}).k is None


def test_a_list_within_the_requested_length_is_kept() -> None:
    body = load("openai_chat")
    assert read_response(exchange({"top_logprobs": 20}, body)) == read_response(body)


@pytest.mark.parametrize(
    ("prompt", "start", "count"),
    [
        ("The sky", [], None),
        ("The sky", [], 2),
        ("The sky", ["<s>"], None),
        ("The sky", [], 3),  # the usage counts an end token that is not listed
        (["The sky"], ["<s>"], 2),
        ([791, 13180], [], 2),
        ("The sk", [], None),
    ],
)
def test_an_echoed_prompt_is_not_part_of_the_answer(prompt: object, start: list[str], count: int | None) -> None:
    tokens = [*start, "The", " sky", " is", " blue"]
    logprobs = {"tokens": tokens, "token_logprobs": [*[None] * len(start), None, -3.0, -0.5, -0.25]}
    choice = {"text": "The sky is blue", "logprobs": logprobs, "finish_reason": "stop"}
    response = {"choices": [choice], "usage": {"completion_tokens": count}}
    found = read_response(exchange({"prompt": prompt, "echo": True, "logprobs": 1}, response))
    assert [token.text for token in found.tokens] == [" is", " blue"]
    assert (found.text, found.alignment, found.warnings) == (" is blue", "exact", [])
    assert len(read_response(response).tokens) == len(tokens)


def test_an_ambiguous_echo_is_named() -> None:
    response = {"choices": [{"logprobs": {"token_logprobs": [None, -1.0]}}]}
    found = read_response(exchange({"prompt": [1, 2], "echo": True}, response))
    assert found.warnings[0].startswith("echo: ")


def test_a_response_with_its_request_is_not_a_trace() -> None:
    body = exchange({"request_id": "r"}, load("openai_chat"))
    assert not is_quote_trace(body)
    assert read_response(body) == read_response(load("openai_chat"))
    assert read_response(exchange({}, load("tgi_generate"))) == read_response(load("tgi_generate"))


def test_a_list_keyed_by_ambiguous_texts_is_named() -> None:
    logprobs = {"tokens": [""], "token_logprobs": [-1.1], "top_logprobs": [{"": -1.1, ".": -3.0}]}
    found = read_response({"choices": [{"logprobs": logprobs}]})
    assert found.warnings[0].startswith("1 of 1 lists have tokens without a distinct text")


def test_a_response_with_more_tokens_than_it_counts_may_include_the_prompt() -> None:
    tokens = ["The", " sky", " is", " blue"]
    logprobs = {"tokens": tokens, "token_logprobs": [None, -3.0, -0.1, -0.2]}
    response = {"choices": [{"text": "The sky is blue", "logprobs": logprobs}], "usage": {"completion_tokens": 2}}
    found = read_response(response)
    assert found.alignment == "exact"
    assert [one for one in found.warnings if one.startswith("echo: the response has 4 tokens, but counts 2; ")]


def test_a_prompt_in_the_text_alone_is_not_part_of_the_answer() -> None:
    details = {"tokens": [{"id": 1, "text": " is", "logprob": -0.5}], "generated_tokens": 1, "finish_reason": "length"}
    request = {"inputs": "The sky", "parameters": {"return_full_text": True}}
    found = read_response(exchange(request, {"generated_text": "The sky is", "details": details}))
    assert (len(found.tokens), found.text, found.alignment) == (1, " is", "exact")


@pytest.mark.parametrize(
    "request_",
    [
        {"stop": "</s>"},
        {"stop": ["x", "</s>"]},
        {"sampling_params": {"stop": "</s>"}},
        {"generationConfig": {"stopSequences": ["</s>"]}},
        {"generation_config": {"stop_sequences": ["</s>"]}},
    ],
)
def test_stop_words_are_read_under_the_name_of_each_server(request_: dict[str, Any]) -> None:
    assert "</s>" in find_settings(request_, {}).stop
