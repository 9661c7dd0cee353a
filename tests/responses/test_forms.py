"""A response that contains one answer in several forms: the richest is read and completed from the others."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.confidence import Token
from core.responses import read_response
from tests.responses.render import Drawn, llama_cpp, openai_chat, openai_completions, plain
from tests.responses.samples import load, read_tokens
from tests.support.response_draws import draws


def entries(*names: str, top: bool = True) -> list[dict[str, Any]]:
    listed = [{"token": "x", "logprob": -1.5}, {"token": "y", "logprob": -2.5}]
    return [
        {"token": name, "logprob": -0.5, "top_logprobs": [{"token": name, "logprob": -0.5}, *listed] if top else []}
        for name in names
    ]


def chat(**logprobs: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "logprobs": logprobs}]}


def measure(tokens: list[Token]) -> tuple[int, int, int, int]:
    lists = [token.distribution for token in tokens if token.distribution]
    return (
        sum(token.logprob is not None for token in tokens),
        len(lists),
        sum(one.k for one in lists),
        sum(token.token is not None for token in tokens),
    )


def join(one: dict[str, Any], two: dict[str, Any]) -> dict[str, Any]:
    """Merge both forms into one body at any depth."""
    filled = {key: one[key] or two[key] for key in one.keys() & two.keys()}
    deep = {key: join(one[key], two[key]) for key in one.keys() & two.keys() if isinstance(one[key], dict)}
    choices = [join(a, b) for a, b in zip(one.get("choices", []), two.get("choices", []), strict=False)]
    return one | two | filled | deep | ({"choices": choices} if choices else {})


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Any, Any]:
    """Generate two forms of an answer; either may lack its end, its lists, or everything."""
    drawn = draw(st.lists(draws(), min_size=1, max_size=4))
    forms = draw(st.permutations([openai_chat, openai_completions, llama_cpp, plain]))[:2]
    return tuple(form(_thin(drawn, draw(st.integers(0, len(drawn))), lists=draw(st.booleans()))) for form in forms)


def _thin(drawn: list[Drawn], length: int, *, lists: bool) -> list[Drawn]:
    return [one if lists else Drawn(one.chosen, []) for one in drawn[:length]]


@settings(max_examples=150, deadline=None)
@given(pairs())
def test_two_forms_are_never_read_worse_than_the_richer_alone(forms: tuple[Any, Any]) -> None:
    both = read_tokens(join(*forms))
    richer = max(measure(read_tokens(form)) for form in forms if form.get("tokens") != [] or len(form) > 1)
    assert measure(both) >= richer
    assert measure(both)[0] == richer[0]


def test_ids_of_one_form_name_the_tokens_of_the_other() -> None:
    (token,) = read_tokens(chat(content=entries("a"), tokens=["a"], token_ids=[7], token_logprobs=[-0.5]))
    assert (token.token, token.text) == (7, "a")
    assert token.distribution is not None


def test_lists_of_the_poorer_form_are_used_too() -> None:
    body = chat(content=entries("a", top=False), token_logprobs=[-0.5], top_logprobs=[{"a": -0.5, "b": -2.0}])
    (token,) = read_tokens(body)
    assert token.distribution is not None
    assert token.distribution.texts == ("a", "b")


def test_reasoning_content_and_refusal_are_read_in_their_order() -> None:
    body = chat(refusal=entries("c"), content=entries("b"), reasoning_content=entries("a"))
    assert [token.text for token in read_tokens(body)] == ["a", "b", "c"]


@pytest.mark.parametrize("empty", [None, []])
def test_an_empty_form_hides_no_other(empty: object) -> None:
    assert len(read_tokens(chat(content=empty, refusal=entries("no")))) == 1
    assert len(read_tokens(chat(content=empty, token_logprobs=[-1.0]))) == 1
    assert len(read_tokens({**chat(content=entries("a")), "tokens": empty, "details": None})) == 1


def test_probabilities_next_to_choices_without_any_are_read() -> None:
    body = load("llama_cpp_completion")
    body["choices"] = [{"message": {"content": " Paris."}, "finish_reason": "stop"}]
    assert read_response(body) == read_response(load("llama_cpp_completion"))


def test_omitted_parts_are_named() -> None:
    shorter = read_response(chat(content=entries("a", "b"), token_logprobs=[-0.5], tokens=["a"]))
    assert shorter.warnings == [
        "choices[0].logprobs.token_logprobs is ignored: choices[0].logprobs has more of the answer"
    ]
    broken = read_response(chat(content=entries("a"), token_logprobs=[0.5]))
    assert len(broken.tokens) == 1
    assert "0.5 is not a log-probability" in broken.warnings[0]
    several = load("openai_chat")
    several["choices"] *= 3
    assert "choices: 2 more are not in this report; send each one separately" in read_response(several).warnings


def test_an_empty_list_next_to_a_filled_one_is_ignored() -> None:
    row: dict[str, Any] = {
        "id": 1,
        "token": "a",
        "logprob": -0.5,
        "top_logprobs": [],
        "top_probs": [{"id": 1, "prob": 0.6}],
    }
    (token,) = read_tokens({"completion_probabilities": [row]})
    assert token.distribution is not None


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("openai_chat", ("choices", 0)),
        ("openai_chat", ("choices", 0, "logprobs")),
        ("vllm_completions", ("choices", 0)),
        ("openai_completions", ("choices", 0, "logprobs")),
        ("gemini_generate_content", ("candidates", 0)),
        ("gemini_generate_content", ("candidates", 0, "logprobsResult")),
        ("sglang_generate", ("meta_info",)),
        ("tgi_generate", (0, "details")),
    ],
)
def test_a_part_of_a_response_is_read_like_the_whole(name: str, path: tuple[str | int, ...]) -> None:
    part = load(name)
    for key in path:
        part = part[key]
    assert read_tokens(part) == read_tokens(load(name))


def test_ids_may_replace_texts() -> None:
    (token,) = read_tokens(
        chat(content=[{"token": 5, "logprob": -0.1, "top_logprobs": [{"token": 5, "logprob": -0.1}]}])
    )
    assert (token.token, token.text) == (5, None)
    (other,) = read_tokens(chat(tokens=[5], token_logprobs=[-0.1], top_logprobs=[{"5": -0.1, "9": -3.0}]))
    assert other.distribution is not None
    assert (other.token, other.distribution.tokens) == (5, (5, 9))


def test_alternatives_may_have_the_spelling_of_a_client() -> None:
    row = {"token": "a", "logprob": -0.1, "topLogprobs": [{"token": "a", "logprob": -0.1}]}
    assert read_tokens({"logprobs": [row]}) == read_tokens({"logprobs": [{**row, "top_logprobs": row["topLogprobs"]}]})
