"""Unusual recorded responses, and how POST /v1/score and POST /v1/ingest must read them."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.support import approximate
from tests.support.client import Answer, Client
from tests.support.keys import ADMIN_KEY
from tests.support.servers import Serve

near = partial(approximate.near, absolute=2e-6)
CASES = Path(__file__).parent


@pytest.fixture
def alone(serve: Serve) -> Client:
    """A server without a database."""
    return serve("functions.deployed:score", THUNDER_ADMIN_KEY=ADMIN_KEY)


def post(client: Client, case: str) -> Answer:
    return client.post_bytes("/v1/score", (CASES / f"{case}.json").read_bytes(), x_api_key=client.key)


UNKNOWN: dict[str, Any] = {"prob": None, "logprob": None}
READ: dict[str, tuple[dict[str, Any], list[dict[str, Any]]]] = {
    "tgi_half_precision_list": (
        {"sequence_confidence": 0.892933558},
        [{"prob": 0.999100136, "missing_mass": 0.0, "rank": 1}, {"prob": 0.798048430, "rank": 1}],
    ),
    "four_digit_list": ({}, [{"prob": 0.963579760, "rank": 1, "missing_mass": 0.0}, UNKNOWN]),
    "same_text_two_tokens": (
        {"k": 3},
        [{"missing_mass": 0.016523, "entropy": 0.675718, "margin": 0.538921, "rank": 1, "prob": 0.740818}],
    ),
    "replacement_char_chosen_second": (
        {"k": 3},
        [{"prob": 0.301194, "rank": 2, "missing_mass": 0.042488, "margin": 0.305337, "entropy": 0.814060}],
    ),
    "empty_string_tokens": ({"k": 3}, [{"prob": 0.332871, "rank": 2, "missing_mass": 0.120757}]),
    "list_contradicts_chosen": (
        {"k": 3},
        [{"prob": 0.792154, "rank": 1, "margin": 0.585518, "missing_mass": 0.000984}],
    ),
    "token_id_key_ids_only": (
        {"sampled_in_top_k": 1},
        [{"token": 12, "rank": 1, "selected_margin": 0.830564}],
    ),
    "together_both_forms": (
        {"k": 2, "with_distribution": 2},
        [{"token": 22, "rank": 1, "missing_mass": 0.031701}, {"token": 0, "rank": 1}],
    ),
    "refusal_beside_empty_content": ({"sequence_confidence": 0.778801}, [{"text": "I"}, {"text": " can't"}]),
    "deepseek_reasoning_only": ({"alignment": "exact"}, [{"prob": 0.406570}, {"prob": 0.449329}]),
    "sglang_first_token_only": ({"alignment": "partial"}, [{"token": 758}]),
    "llamacpp_speculative_zeros": ({"sequence_confidence": 0.246597}, [{"rank": 2}, UNKNOWN, UNKNOWN]),
    "responses_top_p_zero": ({"sequence_confidence": 0.818731, "alignment": "exact"}, [{"prob": 0.818731}]),
    "mlx_lm_integer_tokens": (
        {"sequence_confidence": 0.704688},
        [{"token": 791, "rank": 1}, {"token": 5, "rank": 1}],
    ),
    "gemini_snake_case": ({"alignment": "exact"}, [{"token": 5, "rank": 1, "prob": 0.904837}]),
    "bare_choice": ({"alignment": None}, [{"text": "Hi", "prob": 0.818731}]),
}


@pytest.mark.parametrize("case", READ)
def test_an_unusual_response_is_read_correctly(alone: Client, case: str) -> None:
    answer = post(alone, case)
    assert answer.status == 200, answer.data
    report = answer.json
    whole, tokens = READ[case]
    found = report | report["sequence"] | report["sequence"]["coverage"]
    assert {name: found[name] for name in whole} == {name: near(value) for name, value in whole.items()}
    assert len(report["tokens"]) == len(tokens)
    for token, expected in zip(report["tokens"], tokens, strict=True):
        assert {name: token[name] for name in expected} == {name: near(value) for name, value in expected.items()}


@pytest.mark.parametrize(
    ("case", "sentence"),
    [
        ("empty_content_with_text", "choices[0].logprobs: this response has no logprobs; ask for them"),
        ("ollama_chunk", "done: this is one chunk of a stream"),
        ("openai_responses_delta", "type: this is one event of a stream"),
        ("cohere_v2", "logprobs[0]: has neither a token nor a logprob; send both"),
        ("raw_logits_declared", "logprobs_mode: logits are not log-probabilities"),
    ],
)
def test_a_response_that_cannot_be_read_correctly_is_rejected(alone: Client, case: str, sentence: str) -> None:
    answer = post(alone, case)
    assert answer.status == 400
    assert answer.json["error"].startswith(sentence)


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("sglang_first_token_only", "1 of 6 tokens"),
        ("llamacpp_speculative_zeros", "2 of 3 tokens have a logprob of 0.0"),
        ("list_contradicts_chosen", "a different logprob in their list"),
        ("replacement_char_chosen_second", "parts of characters"),
        ("empty_string_tokens", "parts of characters"),
    ],
)
def test_the_warnings_name_what_is_unusual(alone: Client, case: str, words: str) -> None:
    assert any(words in warning for warning in post(alone, case).json["warnings"])


def test_a_trace_whose_mass_exceeds_1_by_float32_rounding_is_stored(client: Client) -> None:
    document = json.loads((CASES / "quote_engine_float32_list.json").read_bytes())
    answer = client.ingest(document)
    assert answer.status == 201, answer.data
    (step,) = client.log("f32-noise")["steps"]
    assert step["prob"] == 1.0
    (token,) = client.get("/v1/confidence/f32-noise").json["tokens"]
    assert (token["missing_mass"], token["entropy"]) == (0.0, pytest.approx(3.06e-5, rel=0.2))
