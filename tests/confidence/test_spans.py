"""Spans: tokens are located in the text of an answer, and its least confident words are found."""

import json
import math
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.answers.json_values import MAX_DEPTH, MAX_VALUES, find_values
from core.answers.locate import locate_tokens
from core.answers.spans import LocatedAnswer, Span
from core.confidence import Token, read_distribution, score_tokens
from core.document.parse import parse_document
from core.pairing.pair import pair_trace
from core.pairing.scored_trace import list_tokens
from tests.confidence.builders import moderate

TRACES = Path(__file__).parents[1] / "traces"


def make_token(text: str | None, prob: float | None = 0.9, *, forced: bool = False, discarded: bool = False) -> Token:
    logprob = None if prob is None else math.log(prob)
    return Token(None, text, logprob=logprob, forced=forced, discarded=discarded)


def locate(tokens: Sequence[Token], answer: str | None = None) -> LocatedAnswer:
    return LocatedAnswer.locate(tokens, score_tokens(tokens), answer)


def find(tokens: Sequence[Token], answer: str | None = None, below: float = 0.2) -> list[Span]:
    return locate(tokens, answer).find_spans(below)


def cut(text: str, *lengths: int) -> list[str]:
    """Decode pieces of the UTF-8 of a text one by one, as engines do for the texts of tokens."""
    encoded = text.encode()
    pieces: list[str] = []
    for length in lengths:
        pieces.append(encoded[:length].decode("utf-8", "replace"))
        encoded = encoded[length:]
    return [*pieces, encoded.decode("utf-8", "replace")] if encoded else pieces


def show(texts: Sequence[str | None], answer: str) -> list[str | None]:
    places = locate_tokens(texts, answer)
    assert places is not None
    return [None if place is None else answer[slice(*place)] for place in places]


def test_a_span_is_a_run_of_words_with_tokens_below_the_limit() -> None:
    tokens = [
        make_token("The", 0.9),
        make_token(" cap", 0.1),
        make_token("ital", 0.8),
        make_token(" is", 0.15),
        make_token(" Paris", 0.9),
        make_token(".", 0.9),
    ]
    (span,) = find(tokens)
    assert (span.start, span.end, span.text, span.is_bound) == (4, 14, "capital is", False)
    assert span.confidence == pytest.approx(0.1 * 0.8 * 0.15)
    assert (span.first_index, span.last_index) == (1, 3)


def test_punctuation_is_a_word_of_its_own() -> None:
    spans = find([make_token('{"a":"'), make_token("Par", 0.1), make_token("is", 0.5), make_token('"}')])
    assert [(span.text, span.confidence) for span in spans] == [("Paris", pytest.approx(0.05))]
    assert [span.text for span in find([make_token("yes"), make_token(",", 0.1), make_token(" no")])] == [","]
    assert [span.text for span in find([make_token("do"), make_token("n't", 0.1), make_token(" 3.14")])] == ["don't"]


def test_each_ideograph_is_a_word() -> None:
    assert [span.text for span in find([make_token("我"), make_token("们", 0.1), make_token("可以。")])] == ["们"]


def test_an_unknown_probability_enters_at_its_bound() -> None:
    unlisted = Token(
        9, " x", distribution=read_distribution([{"token": 1, "prob": 0.9}, {"token": 2, "prob": 0.05}], "")
    )
    (span,) = find([make_token("a"), unlisted])
    assert (span.text, span.confidence, span.is_bound) == ("x", pytest.approx(0.05), True)
    assert find([make_token("a"), make_token(" b", None)]) == []  # nothing is known, so nothing is below the limit


def test_forced_and_discarded_tokens_do_not_count() -> None:
    tokens = [
        make_token("Sure", 0.01, forced=True),
        make_token(" no", 0.01, discarded=True),
        make_token(",", 0.9),
        make_token(" yes", 0.1),
    ]
    answer = locate(tokens, "Sure, yes")
    assert [span.text for span in answer.find_spans(0.2)] == ["yes"]
    assert answer.measure(0, 4) == (None, None)


def test_alternatives_are_the_rest_of_the_list_of_the_least_likely_token() -> None:
    entries = [{"token": i, "token_str": f" t{i}", "prob": prob} for i, prob in enumerate((0.4, 0.3, 0.1, 0.05, 0))]
    (span,) = find([make_token("a"), Token(2, " t2", distribution=read_distribution(entries, ""))])
    assert [(one.text, round(one.prob, 9)) for one in span.alternatives] == [(" t0", 0.4), (" t1", 0.3), (" t3", 0.05)]


def test_end_tokens_are_no_words() -> None:
    assert find([make_token("glass"), make_token("<|im_end|>", 0.01)], "glass<|im_end|>") == []


@pytest.mark.parametrize(
    ("texts", "answer", "expected"),
    [
        (["a", " b"], "a b", ["a", " b"]),
        ([" a", " b", "</s>"], "a b", ["a", " b", None]),
        (["<think>", "b", "</think>", "b"], "b", [None, None, None, "b"]),
        (["b", " c"], "echo: b c, cut", ["b", " c"]),
        (["Ġa", "Ġb"], "a b", ["a", " b"]),
        (["", "é", "!", ""], "é!", ["é", "é", "!", None]),
        (["a"], "", [None]),
        ([], "", []),
        (cut("é!", 1), "é!", ["é", "é!"]),
        (cut("x日本y", 2, 1), "x日本y", ["x日", "日", "日本y"]),
        (cut("日本", 2, 2, 1), "日本", ["日本"] * 4),
        (cut("😀 ok", 1, 1, 1), "😀 ok", ["😀", "😀", "😀", "😀 ok"]),
        ([*cut("日本", 4), "<|im_end|>"], "日本", ["日本", "本", None]),
        (cut("日本", 4)[:1], "日", ["日"]),
        (["bytes:\\xe6\\x97", "bytes:\\xa5", "!"], "日!", ["日", "日", "!"]),
        (["a\N{REPLACEMENT CHARACTER}", "b"], "a\N{REPLACEMENT CHARACTER}b", ["a\N{REPLACEMENT CHARACTER}", "b"]),
    ],
)
def test_tokens_are_located_in_texts_that_differ_from_them(
    texts: list[str], answer: str, expected: list[str | None]
) -> None:
    assert show(texts, answer) == expected


@pytest.mark.parametrize(
    ("texts", "answer"), [(["a", None], "ab"), (["a", "b"], "a c"), (cut("é!", 1), "e!"), (["a"], "b")]
)
def test_tokens_that_do_not_reproduce_the_text_have_no_place(texts: list[str | None], answer: str) -> None:
    assert locate_tokens(texts, answer) is None
    (span, *_) = find([make_token(text, 0.1) for text in texts], answer)
    assert (span.start, span.end, span.confidence is None) == (None, None, False)


@pytest.mark.parametrize("path", sorted(TRACES.glob("*.json")), ids=lambda path: path.stem)
def test_spans_of_real_traces_are_parts_of_their_text(path: Path) -> None:
    document = parse_document(path.read_bytes())
    tokens = list_tokens(pair_trace(document))
    answer = locate(tokens, document.request.final_text)
    spans = answer.find_spans(0.2)
    assert answer.is_located == (path.stem != "llama31-8b-force-tokens")  # its forced tokens have no texts
    assert spans
    if answer.is_located:
        assert all(span.text == (document.request.final_text or "")[span.start : span.end] for span in spans)


@moderate
@given(st.data())
def test_split_characters_are_always_located(data: st.DataObject) -> None:
    text = data.draw(st.text("aé日😀 \n", min_size=1))
    encoded = len(text.encode())
    texts = cut(text, *data.draw(st.lists(st.integers(1, 4), max_size=encoded)))
    places = locate_tokens(texts, text)
    assert places is not None
    for piece, place in zip(texts, places, strict=True):
        assert place is not None or not piece
        if place and "\N{REPLACEMENT CHARACTER}" not in piece:
            assert text[slice(*place)] == piece


@moderate
@given(
    st.lists(st.tuples(st.text("ab.- é日\n", max_size=4), st.floats(1e-6, 1.0), st.booleans()), max_size=20),
    st.floats(0, 1),
)
def test_offsets_slice_the_text_and_confidence_is_a_product(rows: list[tuple[str, float, bool]], below: float) -> None:
    tokens = [make_token(text, prob, forced=forced) for text, prob, forced in rows]
    answer = locate(tokens)
    spans = answer.find_spans(below)
    for span in spans:
        assert span.start is not None
        assert span.end is not None
        assert answer.text[span.start : span.end] == span.text
        assert span.text == span.text.strip()
        overlapping = [part for part in answer.parts if part.start < span.end and part.end > span.start]
        assert span.confidence == math.prod(part.prob for part in overlapping)
        assert min(part.prob for part in overlapping) < below
    ends = [(span.start, span.end) for span in spans]
    assert ends == sorted(set(ends))


def test_hostile_texts_take_linear_time() -> None:
    began = time.process_time()
    pieces = ["\N{REPLACEMENT CHARACTER}", "é" * 40] * 2500
    assert locate_tokens(pieces, "é" * 110_000) is not None
    assert locate_tokens(["a" * 200_000], "b" + "a" * 100_000) is None
    assert find_values("[" * 200_000) is None
    assert find_values(" " * 300_000 + "x") is None
    assert find([make_token("!a-" * 100_000, 0.1)])
    assert time.process_time() - began < 5


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
