"""Alignment: whether the tokens cover the complete answer, and which cases are unknown."""

from typing import Any

import pytest

from core.errors import InvalidInputError
from core.responses import MissingLogprobsError, read_response
from tests.responses.samples import FIXTURES, load


def chat(*names: str, text: str | None = None, count: int | None = None, finish: str = "stop", **rest: Any) -> Any:
    rows = [{"token": name, "logprob": -0.5} for name in names]
    message = {"content": text}
    return {
        "choices": [{"message": message, "finish_reason": finish, "logprobs": {"content": rows}}],
        "usage": {"completion_tokens": count},
        **rest,
    }


@pytest.mark.parametrize("name", sorted(path.stem for path in FIXTURES.glob("*.json")))
def test_a_complete_response_of_any_server_is_exact(name: str) -> None:
    found = read_response(load(name))
    assert found.alignment == (None if name == "plain" else "exact")
    assert not any("alignment" in warning for warning in found.warnings)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (chat("a", "b", text="ab"), "exact"),
        (chat("▁a", "▁b", text="a b"), "exact"),
        (chat(" a", "b", text="ab", count=3), "exact"),  # an end token that is only counted
        (chat("a", "b", "<|im_end|>", text="ab"), "exact"),
        (chat("a", "b", "", text="ab"), "exact"),
        (chat("a", "b", count=2), "exact"),
        (chat("a", "b", count=3), "exact"),
        (chat("a", "b"), None),
        (chat("a", "\ufffd", text="aé"), None),
    ],
)
def test_agreement_is_exact_and_what_cannot_be_compared_is_null(body: Any, expected: str | None) -> None:
    found = read_response(body)
    assert (found.alignment, found.warnings) == (expected, [])


@pytest.mark.parametrize(
    ("body", "how_many"),
    [
        (chat("a", text="abc", count=6), "1 of 6"),
        (chat("a", "b", text="abc"), "2 of 3"),
        (chat("a", "b", count=3, finish="length"), "2 of 3"),
        (chat("a", "b", count=9), "2 of 9"),
        (chat("a", "b", "\n", text="ab"), "2 of 3"),  # a stop word that the text lacks
        (chat("a", "x", text="ab"), "1 of 2"),
        ({"response": chat("a", "</s>", text="a"), "request": {"stop": "</s>"}}, "1 of 2"),
        ({"details": {"tokens": [{"id": 1, "logprob": -1.0}], "generated_tokens": 4}}, "1 of 4"),
        ({"completion_probabilities": [{"token": "a", "logprob": -1.0}], "tokens": [5, 6, 7]}, "1 of 3"),
        ({"logprobs": [{"token": "a", "logprob": -1.0}], "done": True, "eval_count": 7, "response": "a b c"}, "1 of 7"),
        ({"output": [{"type": "message", "content": [{"text": "ab", "logprobs": [{"token": "a"}]}]}]}, "1 of 2"),
        ({"tokens": [{"text": "a", "logprob": -1.0}], "text": "ab"}, "1 of 2"),
    ],
)
def test_partial_states_how_many_tokens_are_covered(body: Any, how_many: str) -> None:
    found = read_response(body)
    assert found.alignment == "partial"
    assert found.warnings[-1] == f"alignment: {how_many} tokens match the answer in the response"


@pytest.mark.parametrize(
    "body",
    [
        chat(text="Hello"),
        chat(count=4),
        {"meta_info": {"output_token_logprobs": []}, "output_ids": [1, 2]},
        {"details": {"tokens": [], "generated_tokens": 5}, "generated_text": "x"},
        {"completion_probabilities": [], "content": "x"},
        {"logprobs": [], "response": "x", "done": True},
        {"candidates": [{"logprobsResult": {"chosenCandidates": []}, "content": {"parts": [{"text": "x"}]}}]},
    ],
)
def test_an_empty_list_next_to_an_answer_has_no_logprobs(body: Any) -> None:
    with pytest.raises(MissingLogprobsError):
        read_response(body)


def zero(name: str, *, top: bool = False) -> dict[str, Any]:
    listed = [{"token": name, "logprob": 0.0}, {"token": "z", "logprob": -20.0}] if top else []
    return {"token": name, "logprob": 0.0, "top_logprobs": listed}


def test_zeros_without_lists_are_unknown_where_other_tokens_have_lists() -> None:
    found = read_response({"logprobs": [zero("a", top=True), zero("b"), {"token": "c", "logprob": -1.0}]})
    assert [token.logprob for token in found.tokens] == [0.0, None, -1.0]
    assert found.warnings == [
        "1 of 3 tokens have a logprob of 0.0 and no list, unlike the others; their logprobs are treated as unknown"
    ]


@pytest.mark.parametrize(
    "rows", [[zero("a"), zero("b")], [zero("a") | {"top_logprobs": [{"token": "a", "logprob": 0}]}]]
)
def test_zeros_for_all_tokens_are_unknown(rows: list[dict[str, Any]]) -> None:
    found = read_response({"logprobs": rows})
    assert {(token.logprob, token.distribution) for token in found.tokens} == {(None, None)}
    assert "every logprob is 0.0" in found.warnings[0]


@pytest.mark.parametrize("nothing", [{}, {"token": None, "logprob": None}, {"text": "a", "logprobs": [-1.0]}])
def test_an_entry_without_name_and_number_is_not_a_token(nothing: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError, match=r"^logprobs\[0\]: has neither a token nor a logprob"):
        read_response({"logprobs": [nothing], "done": True})
    found = read_response({"tokens": [{"text": "a", "logprob": -1.0}, {}]})
    assert len(found.tokens) == 1
    assert found.warnings == ["tokens: 1 of 2 have no id, text or logprob and are ignored"]
