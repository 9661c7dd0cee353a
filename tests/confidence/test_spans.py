"""The least confident words of an answer."""

from pathlib import Path

import pytest

from core.confidence import Token, read_distribution
from core.document.parse import parse_document
from core.pairing.pair import pair_trace
from core.pairing.scored_trace import list_tokens
from tests.support.located import find, locate, make_token

TRACES = Path(__file__).parents[2] / "docs" / "samples"


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
