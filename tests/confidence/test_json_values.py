"""The values of an answer that is JSON."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.answers.json_values import MAX_DEPTH, MAX_VALUES, find_values
from tests.confidence.builders import moderate
from tests.support.located import locate, make_token

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text('ab/~"\\é😀', max_size=3), inner, max_size=4),
    max_leaves=12,
)


def resolve(value: object, pointer: str) -> object:
    """Resolve a JSON Pointer as RFC 6901 defines it."""
    for part in pointer.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        value = value[int(name)] if isinstance(value, list) else value[name]  # pyrefly: ignore
    return value


@moderate
@given(
    JSON, st.integers(0, 1), st.sampled_from([None, 2]), st.sampled_from(["{}", "```json\n{}\n```", " {}\n<|im_end|>"])
)
def test_a_pointer_resolves_to_the_value_at_its_place(
    value: object, ascii_only: int, indent: int | None, form: str
) -> None:
    text = form.replace("{}", json.dumps(value, ensure_ascii=bool(ascii_only), indent=indent))
    values = find_values(text)
    assert values is not None
    for one in values:
        found = resolve(value, one.path)
        assert json.loads(text[one.start : one.end]) == found
        assert found in ([], {}) or type(found) not in {list, dict}
    assert len({one.path for one in values}) == len(values)
    assert values == sorted(values, key=lambda one: one.start)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "Paris",
            "NaN",
            "-Infinity",
            "01",
            "1.",
            "+1",
            "'a'",
            '"a',
            '"\t"',
            '"\\x"',
            "nul",
            "1 2",
            "[1],",
            "[1 2]",
        ),
        *(
            "{'a': 1}",
            '{"a": 1,}',
            "{a: 1}",
            '{"a"}',
            "```json\n[1]",
            "[" * (MAX_DEPTH + 1) + "1" + "]" * (MAX_DEPTH + 1),
        ),
        *(json.dumps([0] * (MAX_VALUES + 1)), json.dumps({"a" * 200: [0] * 9000})),
    ],
)
def test_other_texts_have_no_values(text: str) -> None:
    assert find_values(text) is None


def test_the_last_of_two_equal_keys_counts() -> None:
    values = find_values('{"a": {"b": 1}, "a": 2, "\\u0061": [3]}')
    assert values is not None
    assert [(value.path, value.start) for value in values] == [("/a/0", 35)]


def test_a_value_has_the_tokens_that_overlap_it() -> None:
    tokens = [make_token('{"city":', 0.9), make_token(' "', 0.5), make_token("Paris", 0.4), make_token('"}', 0.8)]
    answer = locate(tokens)
    (value,) = find_values(answer.text) or []
    assert answer.text[value.start : value.end] == '"Paris"'
    assert answer.measure(value.start, value.end) == (pytest.approx(0.5 * 0.4 * 0.8), False)
