"""The places of tokens in the text of an answer."""

import math
import time
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.answers.json_values import find_values
from core.answers.locate import locate_tokens
from tests.confidence.builders import moderate
from tests.support.located import find, locate, make_token


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
        (["a", "bytes: \\xe6\\x97", "bytes:\\xa5\\x21", "bytes:"], "a 日!bytes:", ["a", " 日", "日!", "bytes:"]),
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
