"""The vectorized scores equal the scores of each token."""

import json
import math
from dataclasses import fields
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import ArrayLike

from core.confidence import (
    ListTable,
    SequenceScores,
    Token,
    TokenColumns,
    TokenScores,
    decode_lists,
    find_nucleus_columns,
    group_confidences,
    score_columns,
    score_sequence,
    score_tokens,
    summarize_columns,
    to_columns,
)
from core.confidence.window import slide_windows
from core.document.parse import parse_document
from core.pairing.scored_trace import list_tokens, list_top_ps, score_trace
from tests.confidence.builders import moderate, some_tokens
from tests.support.score_lists import tables

TRACES = sorted((Path(__file__).parents[2] / "docs" / "samples").glob("*.json"))
COUNTS = ("rank", "k", "top_p_count")


@st.composite
def scored_tables(draw: st.DrawFn) -> tuple[list[Token], list[float], TokenColumns]:
    """Generate tokens of any kind chosen from a table, their top_p values, and their columns."""
    table = draw(tables())
    last = table.sizes.size - 1
    rows = draw(st.lists(st.integers(-1, last), max_size=12))
    tokens = [
        Token(
            token=draw(st.none() | st.integers(0, 11) | st.sampled_from([*table.tokens[row, :3].tolist(), None]))
            if row >= 0
            else draw(st.none() | st.integers(0, 11)),
            text=draw(st.sampled_from([None, "a", "b"])),
            forced=draw(st.booleans()),
            discarded=draw(st.booleans()),
            distribution=table.distribution(row) if row >= 0 else None,
        )
        for row in rows
    ]
    tokens = [msgspec.structs.replace(token, token=None) if token.token == -1 else token for token in tokens]
    top_p = [draw(st.sampled_from([0.9, 1.0, 0.5]) | st.floats(1e-6, 1.0)) for _ in range(table.sizes.size)]
    return tokens, [top_p[row] if row >= 0 else 0.9 for row in rows], score_rows(table, rows, tokens, top_p)


def score_rows(table: ListTable, rows: list[int], tokens: list[Token], top_p: ArrayLike = 0.9) -> TokenColumns:
    return score_columns(
        table,
        rows=rows,
        tokens=[-1 if token.token is None else token.token for token in tokens],
        sampled=[token.sampled for token in tokens],
        nucleus=find_nucleus_columns(table, top_p),
        texts=[token.text for token in tokens],
    )


def assert_same(found: TokenColumns, expected: TokenColumns) -> None:
    for field in fields(TokenColumns):
        one, other = getattr(found, field.name), getattr(expected, field.name)
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12, err_msg=field.name)
        assert one.dtype == other.dtype == (np.int64 if field.name in COUNTS else np.float64)
        zero = (one == 0) & (other == 0)
        np.testing.assert_array_equal(np.signbit(one[zero]), np.signbit(other[zero]), err_msg=field.name)


def assert_same_summary(found: SequenceScores, expected: SequenceScores) -> None:
    assert found.coverage == expected.coverage
    for name in found.__slots__[:-1]:
        one, other = getattr(found, name), getattr(expected, name)
        assert one == (None if other is None else pytest.approx(other, rel=1e-12, abs=1e-12)), name


def marks(tokens: list[Token]) -> dict[str, Any]:
    """Return which tokens are forced and which discarded, as `summarize_columns` takes them."""
    return {
        "forced": np.array([token.forced for token in tokens], np.bool_),
        "discarded": np.array([token.discarded for token in tokens], np.bool_),
    }


@moderate
@given(scored_tables())
def test_columns_equal_the_scores_of_each_token(scored: tuple[list[Token], list[float], TokenColumns]) -> None:
    tokens, top_ps, columns = scored
    assert_same(columns, to_columns(score_tokens(tokens, top_ps=top_ps)))


@pytest.mark.parametrize(
    "logprobs",
    [[-0.0], [0.0, -999.0], [-740.0, -741.0], [-745.2, -745.2], [-750.0], [-1.5, -1.5, -1.5], [math.log(0.5)] * 2],
)
@pytest.mark.parametrize("token", [0, 9, None])
def test_extreme_probabilities_are_scored_equally(logprobs: list[float], token: int | None) -> None:
    """Certainty, ties, all of the mass, and probabilities below the smallest normal float."""
    entries = [{"token": i, "logprob": logprob} for i, logprob in enumerate(logprobs)]
    table = decode_lists([json.dumps(entries).encode(), b'[{"token": 5, "logprob": -9}, {"token": 6, "logprob": -9}]'])
    assert table is not None
    tokens = [
        Token(token, None, distribution=table.distribution(0)),
        Token(6, None, distribution=table.distribution(1)),
    ]
    assert_same(score_rows(table, [0, 1], tokens), to_columns(score_tokens(tokens)))


@moderate
@given(st.lists(some_tokens(), max_size=8))
def test_the_scores_of_any_token_fit_into_columns(tokens: list[Token]) -> None:
    scores = score_tokens(tokens)
    columns = to_columns(scores)
    for field in fields(TokenColumns):
        null = 0 if field.name in COUNTS else math.nan
        expected = [null if getattr(row, field.name) is None else getattr(row, field.name) for row in scores]
        np.testing.assert_array_equal(getattr(columns, field.name), expected)


@moderate
@given(scored_tables(), st.integers(1, 5))
def test_a_request_is_summarized_from_columns(
    scored: tuple[list[Token], list[float], TokenColumns], window: int
) -> None:
    tokens, top_ps, columns = scored
    scores = score_tokens(tokens, top_ps=top_ps)
    found, profile = summarize_columns(columns, **marks(tokens), window=window)
    expected = score_sequence(tokens, scores, window=window)
    assert_same_summary(found, expected)
    groups = slide_windows(columns.token_confidence, np.array([token.sampled for token in tokens], np.bool_), window)
    means = [math.nan if mean is None else mean for mean in group_confidences(tokens, scores, window)]
    assert groups == pytest.approx(means, nan_ok=True, rel=1e-12)
    assert min(profile, default=None) == found.lowest_group_confidence


def test_an_empty_trace_has_no_scores() -> None:
    table = decode_lists([])
    assert table is not None
    columns = score_rows(table, [], [])
    assert_same(columns, to_columns([]))
    found, profile = summarize_columns(columns, **marks([]))
    assert (found, profile) == (score_sequence([], []), [])
    assert [part.tolist() for part in find_nucleus_columns(table, 0.9)] == [[], []]


def test_tokens_without_lists_have_no_scores() -> None:
    table = decode_lists([])
    assert table is not None
    tokens = [Token(1, "a"), Token(None, "b", forced=True)]
    assert_same(score_rows(table, [-1, -1], tokens), to_columns([TokenScores()] * 2))


@pytest.mark.parametrize("path", TRACES, ids=lambda path: path.stem)
def test_the_columns_of_recorded_traces_equal_the_scores_of_their_tokens(path: Path) -> None:
    trace = score_trace(parse_document(path.read_bytes()))
    assert trace.pairing.lists.table is not None
    tokens = list_tokens(trace.pairing)
    scores = score_tokens(tokens, top_ps=list_top_ps(trace.pairing))
    assert_same(trace.scores, to_columns(scores))
    assert_same_summary(trace.sequence, score_sequence(tokens, scores))
    assert np.count_nonzero(trace.scores.k) > 10


def test_sums_are_accurate_in_a_trace_of_any_length() -> None:
    """200,000 tokens, the most in a trace, with narrow windows and values of very different sizes."""
    size, window = 200_000, 4
    logprobs = np.where(np.arange(size) % 1000 < 900, -998.0 - 1 / np.arange(1, size + 1), -1e-3)
    scores = [TokenScores(math.exp(log), math.exp(log), log, -log, token_confidence=-log) for log in logprobs.tolist()]
    found, _ = summarize_columns(
        to_columns(scores), forced=np.zeros(size, np.bool_), discarded=np.zeros(size, np.bool_), window=window
    )
    assert found.sequence_nll == pytest.approx(-math.fsum(logprobs), rel=1e-12)
    assert found.mean_confidence == pytest.approx(-math.fsum(logprobs) / size, rel=1e-12)
    assert found.tail_confidence == pytest.approx(1e-3, rel=1e-12)
    assert found.lowest_group_confidence == pytest.approx(1e-3, rel=1e-12)


def test_a_running_sum_is_accurate_in_a_trace_of_any_length() -> None:
    size = 200_000
    table = decode_lists([f'[{{"token": 1, "logprob": {-1 - 1 / (i + 3)}}}]'.encode() for i in range(1000)])
    assert table is not None
    rows = np.arange(size) % 1000
    nucleus = find_nucleus_columns(table, 0.9)
    columns = score_columns(table, rows=rows, tokens=np.ones(size), sampled=np.ones(size), nucleus=nucleus)
    surprisal = columns.surprisal.tolist()
    assert columns.cum_nll[-1] == pytest.approx(math.fsum(surprisal), rel=1e-12)
    assert columns.cum_nll[99_999] == pytest.approx(math.fsum(surprisal[:100_000]), rel=1e-12)
