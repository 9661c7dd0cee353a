"""Recognition of response shapes, and the errors for unknown ones."""

import pytest

from core.errors import InvalidInputError
from core.responses import (
    MAX_TOKENS,
    MissingLogprobsError,
    UnknownResponseError,
    is_quote_trace,
    read_options,
    read_response,
)
from tests.responses.samples import load, read_tokens

SERVERS = [
    "openai_chat",
    "openai_responses",
    "openai_completions",
    "vllm_chat",
    "vllm_completions",
    "sglang_generate",
    "llama_cpp_completion",
    "gemini_generate_content",
]


def refusal(body: object) -> str:
    with pytest.raises(InvalidInputError) as caught:
        read_tokens(body)
    assert caught.value.status == 400
    return str(caught.value)


@pytest.mark.parametrize("name", SERVERS)
@pytest.mark.parametrize("tokens", [[], [{"logprob": -1.0}], None])
def test_fields_of_servers_take_precedence_over_tokens(name: str, tokens: object) -> None:
    body = load(name)
    expected = read_tokens(body)
    assert expected
    assert read_tokens({"tokens": tokens} | body | {"tokens": tokens}) == expected


def test_the_richer_of_two_shapes_is_read() -> None:
    ollama = {"logprobs": [{"token": "a", "logprob": -1.0}]}
    assert read_response({"tokens": []} | ollama) == read_response(ollama)


def test_an_empty_list_of_tokens_has_no_scores() -> None:
    assert read_tokens({"tokens": []}) == []
    assert read_tokens({"meta_info": {"output_token_logprobs": []}}) == []
    assert read_tokens({"choices": [{"logprobs": {"content": []}}]}) == []


@pytest.mark.parametrize("body", [None, 5, "x", {}, {"text": "x"}, [], [{}], [[]]])
def test_the_error_for_an_unknown_shape_lists_the_known_ones(body: object) -> None:
    with pytest.raises(UnknownResponseError, match=r"tokens.*Quote.*OpenAI.*vLLM.*SGLang.*TGI.*llama.*Ollama.*Gemini"):
        read_tokens(body)


def test_a_list_of_several_responses_is_rejected() -> None:
    assert "this is a list of 2; send one complete response at a time" in refusal(load("tgi_generate") * 2)


@pytest.mark.parametrize(
    ("body", "place", "remedy"),
    [
        ({"choices": [{"message": {}, "logprobs": None}]}, "choices[0].logprobs", '"logprobs": true'),
        ({"choices": [{"message": {}}]}, "choices[0].logprobs", '"top_logprobs": 20'),
        ({"choices": [{"text": "x", "logprobs": {"content": None}}]}, "choices[0].logprobs", '"logprobs": 5'),
        ({"output": [{"content": [{"text": "x", "logprobs": []}]}]}, "output", "message.output_text.logprobs"),
        ({"output": [{"type": "function_call"}]}, "output", "message.output_text.logprobs"),
        ({"text": "x", "meta_info": {"id": "1"}}, "meta_info.output_token_logprobs", '"return_logprob": true'),
        ({"generated_text": "x"}, "details", '"details": true'),
        ([{"generated_text": "x", "details": None}], "details", '"top_n_tokens": 5'),
        ({"content": "x", "tokens": [], "tokens_predicted": 1}, "completion_probabilities", '"n_probs": 20'),
        ({"response": "x", "done": True}, "logprobs", '"logprobs": true'),
        ({"candidates": [{"content": {}}]}, "candidates[0].logprobsResult", '"responseLogprobs": true'),
    ],
)
def test_the_error_for_missing_logprobs_says_how_to_request_them(body: object, place: str, remedy: str) -> None:
    with pytest.raises(MissingLogprobsError) as caught:
        read_tokens(body)
    assert str(caught.value).startswith(f"{place}: this response has no logprobs; ask for them with ")
    assert remedy in str(caught.value)


def test_the_first_of_several_choices_is_read() -> None:
    body = load("openai_chat")
    expected = read_tokens(body)
    body["choices"].append({"index": 1, "logprobs": "broken"})
    assert read_tokens(body) == expected
    assert refusal({"choices": []}) == "choices: is empty; send at least one"


def entry(**fields: object) -> dict[str, object]:
    return {"choices": [{"logprobs": {"content": [{"token": "a", "logprob": -1.0}, fields]}}]}


@pytest.mark.parametrize(
    ("body", "start"),
    [
        (entry(logprob=0.5), "choices[0].logprobs.content[1].logprob: 0.5 is not a log-probability"),
        (entry(top_logprobs=[{}]), "choices[0].logprobs.content[1].top_logprobs[0]: must have a logprob"),
        (
            entry(top_logprobs=[{"logprob": -1}, {"logprob": "x"}]),
            "choices[0].logprobs.content[1].top_logprobs[1].logprob: must be a number, not 'x'",
        ),
        (
            entry(top_logprobs=[{"logprob": -0.1}, {"logprob": -0.2}]),
            "choices[0].logprobs.content[1].top_logprobs: the probabilities sum to 1.72",
        ),
        (entry(top_logprobs=[{"logprob": -1}] * 1025), "choices[0].logprobs.content[1].top_logprobs: has 1025 entries"),
        (entry(top_logprobs=5), "choices[0].logprobs.content[1].top_logprobs: must be a list, not a number"),
        (entry(token=[]), "choices[0].logprobs.content[1].token: must be a string, not a list"),
        (entry(token=-5), "choices[0].logprobs.content[1].token: must be a token id"),
        (entry(id=True), "choices[0].logprobs.content[1].id: must be a token id"),
        (entry(token="token_id:9999999999"), "choices[0].logprobs.content[1].token: must be a token id"),
        ({"choices": None}, "choices: must be a list, not null"),
        (
            {"choices": [{"logprobs": {"content": [None]}}]},
            "choices[0].logprobs.content[0]: must be an object, not null",
        ),
        (
            {"choices": [{"logprobs": {"token_logprobs": [-1.0], "tokens": ["a", "b"]}}]},
            "choices[0].logprobs.tokens: has 2 items for 1 tokens; send one per token",
        ),
        (
            {"choices": [{"logprobs": {"token_logprobs": [-1.0], "top_logprobs": [{"the": 1}]}}]},
            "choices[0].logprobs.top_logprobs[0]['the']: 1 is not a log-probability",
        ),
        ({"output": [{"content": [{"logprobs": [5]}]}]}, "output[0].content[0].logprobs[0]: must be an object"),
        (
            {"meta_info": {"output_token_logprobs": [[-1.0, 5]], "output_top_logprobs": [[[-1.0, 5], [1.0, 6]]]}},
            "meta_info.output_top_logprobs[0][1][0]: 1.0 is not a log-probability",
        ),
        ({"meta_info": {"output_token_logprobs": [-1.0]}}, "meta_info.output_token_logprobs[0]: must be a list"),
        (
            {"meta_info": {"output_token_logprobs": [[-1.0]]}},
            "meta_info.output_token_logprobs[0]: must be [logprob, to",
        ),
        ({"details": {"tokens": [{"id": -1}]}}, "details.tokens[0].id: must be a token id"),
        (
            {"completion_probabilities": [{"token": "a", "prob": 0.5, "top_probs": [{"prob": 1.5}]}]},
            "completion_probabilities[0].top_probs[0].prob: 1.5 is not a probability",
        ),
        ({"logprobs": True}, "logprobs: must be a list, not a boolean"),
        (
            {"candidates": [{"logprobsResult": {"chosenCandidates": [{"logProbability": []}]}}]},
            "candidates[0].logprobsResult.chosenCandidates[0].logProbability: must be a number, not a list",
        ),
        ({"tokens": {}}, "tokens: must be a list, not an object"),
        ({"tokens": [{"forced": 1}]}, "tokens[0].forced: must be true or false"),
        ({"tokens": [{"top_tokens": [{"prob": 2}]}]}, "tokens[0].top_tokens[0].prob: 2 is not a probability"),
        ({"tokens": [{}] * (MAX_TOKENS + 1)}, "tokens: has 200001 tokens; at most 200000 are allowed"),
    ],
)
def test_an_error_names_the_path(body: object, start: str) -> None:
    assert refusal(body).startswith(start)


def test_limits_cover_all_parts_together() -> None:
    part = {"logprobs": [{"token": "a", "logprob": -1.0}]}
    many: dict[str, object] = {"logprobs": [None] * MAX_TOKENS}
    assert refusal({"output": [{"content": [part, many]}]}) == (
        "output[0].content[1].logprobs: has 200001 tokens; at most 200000 are allowed"
    )


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"request": {}, "events": []}, True),
        ({"request": {}, "events": None}, True),
        ({"request": {}}, False),
        ({"tokens": []}, False),
        ([], False),
        (None, False),
    ],
)
def test_a_quote_trace_is_recognized(body: object, *, expected: bool) -> None:
    assert is_quote_trace(body) is expected


def test_options_may_accompany_any_shape() -> None:
    options = read_options(load("plain"))
    assert options.model_dump() == {
        "window": 8,
        "vocab_size": 49152,
        "top_p": 0.95,
        "logprobs_mode": "raw_logprobs",
    }
    assert read_options({"request": None, "response": load("openai_responses"), "top_p": 0.5}).top_p == 0.5
    assert read_options([{"details": {}, "window": 3}]).window == 3


def test_missing_and_null_options_are_null() -> None:
    nothing = dict.fromkeys(["window", "vocab_size", "top_p", "logprobs_mode"])
    assert read_options({}).model_dump() == nothing
    assert read_options(nothing).model_dump() == nothing


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("window", 0),
        ("window", 100_001),
        ("window", 2.5),
        ("window", True),
        ("window", "8"),
        ("vocab_size", 0),
        ("vocab_size", 10**400),
        ("top_p", 0),
        ("top_p", 1.01),
        ("top_p", float("nan")),
        ("top_p", True),
        ("logprobs_mode", "x" * 65),
        ("logprobs_mode", 5),
    ],
)
def test_an_option_out_of_range_is_rejected_by_name(key: str, value: object) -> None:
    with pytest.raises(InvalidInputError, match=f"^{key}: "):
        read_options({"tokens": [], key: value})
