"""Numbers of a server that contradict each other, or are not log-probabilities."""

from typing import Any

import pytest

from core.errors import InvalidInputError
from core.responses import check_posted, read_options, read_response
from core.responses.items import read_item
from core.traces.kept import keep_answer


def entry(token: str, logprob: float, *listed: tuple[str, float]) -> dict[str, Any]:
    return {
        "token": token,
        "logprob": logprob,
        "top_logprobs": [{"token": name, "logprob": one} for name, one in listed],
    }


def chat(*entries: dict[str, Any], **choice: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "logprobs": {"content": list(entries)}, **choice}]}


def test_a_zero_that_the_list_denies_is_a_placeholder() -> None:
    answer = read_response(chat(entry("a", -1.0, ("a", -1.0), ("b", -0.6)), entry("b", 0.0, ("c", -0.5), ("b", -1.5))))
    assert [token.logprob for token in answer.tokens] == [-1.0, None]
    assert [token.distribution.k for token in answer.tokens if token.distribution] == [2, 2]
    assert "1 of 2 tokens have a logprob of 0.0 that their list contradicts" in answer.warnings[0]


@pytest.mark.parametrize("other", [-20.0, -9999.0, -12.0])
def test_a_certain_token_stays_certain_next_to_unlikely_ones(other: float) -> None:
    answer = read_response(chat(entry("a", 0.0, ("a", 0.0), ("b", other)), entry("b", -1.0, ("b", -1.0), ("c", -0.6))))
    assert [token.logprob for token in answer.tokens] == [0.0, -1.0]


def test_a_list_without_its_token_is_named() -> None:
    added = read_response(chat(entry("x", -0.2, ("a", -2.0), ("b", -4.0))))
    assert added.tokens[0].distribution is not None
    assert added.tokens[0].distribution.texts == ("x", "a")
    assert "1 of 1 tokens are missing from their list, although they are more likely" in added.warnings[0]
    dropped = read_response(chat(entry("x", -0.2, ("a", -0.3), ("b", -4.0))))
    assert dropped.tokens[0].distribution is None
    assert dropped.warnings[0].endswith("1 lists are ignored because they contradict it")


@pytest.mark.parametrize("logprob", [0.0, -0.25])
def test_a_token_that_is_listed_under_another_name_keeps_its_list(logprob: float) -> None:
    last = entry("", logprob, ("<|im_end|>", logprob), ("b", -9.0))
    answer = read_response(chat(entry("a", -1.0, ("a", -1.0), ("b", -0.6)), last))
    assert [token.logprob for token in answer.tokens] == [-1.0, logprob]
    assert answer.tokens[1].distribution is not None
    assert answer.tokens[1].distribution.texts == ("<|im_end|>", "b")


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (chat(entry("a", -1.0), logprobs_mode="raw_logits"), "choices[0]."),
        (
            {"choices": [{"logprobs": {"content": [entry("a", -1.0)], "logprobs_mode": "raw_logits"}}]},
            "choices[0].logprobs.",
        ),
        ({"meta_info": {"output_token_logprobs": [[-1.0, 1, "a"]], "logprobs_mode": "Processed_Logits"}}, "meta_info."),
        (
            {"request": {"extra_body": {"logprobs_mode": "raw_logits"}}, "response": chat(entry("a", -1.0))},
            "request.extra_body.",
        ),
    ],
)
def test_declared_logits_are_rejected_wherever_they_are_declared(body: Any, place: str) -> None:
    with pytest.raises(InvalidInputError, match="logits are not log-probabilities") as caught:
        check_posted(body)
    assert str(caught.value).startswith(f"{place}logprobs_mode: ")
    assert keep_answer(read_item(body), 0).answer.tokens, "stored ones remain readable"


@pytest.mark.parametrize("top_p", ["0.9", {"value": 1}, [], -1, 2, 0])
def test_a_top_p_that_the_server_wrote_is_no_option(top_p: Any) -> None:
    assert read_options({**chat(entry("a", -1.0)), "top_p": top_p}).top_p is None


def test_tokens_without_numbers_have_a_warning() -> None:
    found = read_response(chat({"token": "a"}, {"token": "b", "logprob": None}))
    assert found.warnings == ["the tokens have no logprobs, so there is nothing to score"]
