"""One real response of each server, token by token."""

import math

import pytest

from core.responses.expect import MissingLogprobsError
from tests.responses.samples import list_of, load, read_tokens, summary


def test_openai_chat() -> None:
    tokens = read_tokens(load("openai_chat"))
    assert summary(tokens) == [(None, "Hello", -0.31725305), (None, "!", None)]
    assert list_of(tokens[0]) == [(None, "Hello", -0.31725305), (None, "Hi", -1.3190403)]
    assert list_of(tokens[1]) == [(None, " there", -0.02380986), (None, ",", -3.787621), (None, "🎉", -math.inf)]


def test_openai_responses() -> None:
    tokens = read_tokens(load("openai_responses"))
    assert summary(tokens) == [(None, "In", -0.25), (None, " a", -0.5)]
    assert list_of(tokens[1]) == [(None, " a", -0.5), (None, " the", -1.25)]


def test_openai_responses_joins_all_parts_of_all_messages() -> None:
    body = load("openai_responses")
    message = body["output"][1]
    message["content"] *= 2
    body["output"].append(message)
    assert [token.text for token in read_tokens(body)] == ["In", " a"] * 4


def test_openai_completions() -> None:
    tokens = read_tokens(load("openai_completions"))
    assert summary(tokens) == [(None, "This", None), (None, " is", -1.5)]
    assert tokens[0].distribution is None
    assert list_of(tokens[1]) == [(None, " was", -0.5), (None, " is", -1.5)]


def test_vllm_chat_with_tokens_as_ids() -> None:
    tokens = read_tokens(load("vllm_chat"))
    assert summary(tokens) == [(59604, None, -0.125), (13, None, -0.25)]
    assert list_of(tokens[0]) == [(59604, None, -0.125), (785, None, -2.5)]
    assert tokens[1].distribution is None


def test_vllm_completions_with_ids_next_to_the_text() -> None:
    tokens = read_tokens(load("vllm_completions"))
    assert summary(tokens) == [(10, " a", -1.75), (343, " city", -0.75)]
    assert list_of(tokens[0]) == [(None, " the", -0.5), (None, " a", -1.75), (None, " great", -math.inf)]


def test_vllm_completions_with_tokens_as_ids() -> None:
    body = load("vllm_completions")
    logprobs = body["choices"][0]["logprobs"]
    logprobs["tokens"] = ["token_id:10", "token_id:343"]
    logprobs["top_logprobs"] = [{"token_id:10": -1.75, "token_id:5": -0.5}, None]
    tokens = read_tokens(body)
    assert summary(tokens) == [(10, None, -1.75), (343, None, -0.75)]
    assert list_of(tokens[0]) == [(5, None, -0.5), (10, None, -1.75)]


def test_lists_of_alternatives_that_are_not_of_the_tokens_are_not_read() -> None:
    body = load("vllm_completions")
    body["choices"][0]["logprobs"] = {"tokens": [" a"], "top_logprobs": [None, {"b": -0.5}], "token_logprobs": None}
    with pytest.raises(MissingLogprobsError):
        read_tokens(body)


def test_unmatched_ids_are_dropped() -> None:
    body = load("vllm_completions")
    body["choices"][0]["token_ids"].append(7)
    assert summary(read_tokens(body)) == [(None, " a", -1.75), (None, " city", -0.75)]


def test_sglang() -> None:
    tokens = read_tokens(load("sglang_generate"))
    assert summary(tokens) == [(12095, " Paris", -0.375), (13, None, -0.625)]
    assert list_of(tokens[0]) == [(12095, " Paris", -0.375), (7407, " located", -2.25)]
    assert tokens[1].distribution is None


def test_sglang_rows_without_text_or_without_id() -> None:
    body = {"meta_info": {"output_token_logprobs": [[-0.5, 17], [-1.5, " a"]]}}
    assert summary(read_tokens(body)) == [(17, None, -0.5), (None, " a", -1.5)]


@pytest.mark.parametrize("wrapped", [True, False])
def test_tgi_with_and_without_a_list_around_it(*, wrapped: bool) -> None:
    body = load("tgi_generate")
    tokens = read_tokens(body if wrapped else body[0])
    assert summary(tokens) == [(5229, " failed", -2.5839844), (29901, ":", -0.44970703)]
    assert list_of(tokens[0]) == [(338, " is", -0.5), (5229, " failed", -2.5839844)]
    assert list_of(tokens[1]) == [(29901, ":", -0.44970703)]


@pytest.mark.parametrize("nothing", [None, []])
def test_tgi_without_top_tokens(nothing: object) -> None:
    body = load("tgi_generate")
    body[0]["details"]["top_tokens"] = nothing
    assert [(token.logprob, token.distribution) for token in read_tokens(body)] == [
        (-2.5839844, None),
        (-0.44970703, None),
    ]


def test_llama_cpp() -> None:
    tokens = read_tokens(load("llama_cpp_completion"))
    assert summary(tokens) == [(12095, " Paris", -0.375), (13, ".", -0.625)]
    assert list_of(tokens[0]) == [(12095, " Paris", -0.375), (7407, " located", -2.25)]
    assert list_of(tokens[1]) == [(13, ".", -0.625), (11, ",", -math.inf)]


def test_llama_cpp_after_sampling() -> None:
    tokens = read_tokens(load("llama_cpp_post_sampling"))
    assert summary(tokens) == [(12095, " Paris", math.log(0.75)), (13, ".", 0.0)]
    assert list_of(tokens[0]) == [(12095, " Paris", math.log(0.75)), (7407, " located", math.log(0.25))]


def test_llama_cpp_of_older_versions() -> None:
    tokens = read_tokens(load("llama_cpp_old"))
    assert summary(tokens) == [(None, " Paris", None), (None, ".", None)]
    assert list_of(tokens[0]) == [(None, " Paris", math.log(0.75)), (None, " located", math.log(0.125))]


@pytest.mark.parametrize("name", ["ollama_generate", "ollama_chat"])
def test_ollama_keeps_parts_of_characters_apart(name: str) -> None:
    tokens = read_tokens(load(name))
    assert summary(tokens) == [(None, "Hi", -0.5), (None, r"bytes:\xf0\x9f", -0.75)]
    assert list_of(tokens[1]) == [(None, r"bytes:\xf0\x9f", -0.75), (None, r"bytes:\xe2\x9c", -1.5)]


def test_gemini() -> None:
    tokens = read_tokens(load("gemini_generate_content"))
    assert summary(tokens) == [(2151, "Hi", -0.25048828), (692, " you", -2.5)]
    assert list_of(tokens[0]) == [(2151, "Hi", -0.25048828), (4521, "Hello", -1.75)]
    assert list_of(tokens[1]) == [(1104, " there", -0.75), (235341, "!", -math.inf)]


def test_plain() -> None:
    tokens = read_tokens(load("plain"))
    assert summary(tokens) == [(504, "The", -0.5), (None, " cat", None)]
    assert [token.forced for token in tokens] == [False, True]
    assert list_of(tokens[0]) == [(504, "The", -0.5), (17, "A", math.log(0.25))]
    assert tokens[1].distribution is None


def test_djl_serving_names_its_numbers_otherwise() -> None:
    row = {"id": 1, "text": "a", "log_prob": -0.5}
    tokens = read_tokens({"generated_text": "a", "details": {"tokens": [row], "top_tokens": [[row]]}})
    assert summary(tokens) == [(1, "a", -0.5)]
    assert list_of(tokens[0]) == [(1, "a", -0.5)]


def test_lists_of_alternatives_are_read_without_numbers_of_the_tokens() -> None:
    lists = [{" is": -0.5, " was": -1.5}]
    tokens = read_tokens({"choices": [{"logprobs": {"tokens": [" is"], "top_logprobs": lists}}]})
    assert (summary(tokens), list_of(tokens[0])) == (
        [(None, " is", None)],
        [(None, " is", -0.5), (None, " was", -1.5)],
    )
