"""Scores of all tokens of a trace at once, compared with the scores of each token."""

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
    decode_distribution,
    decode_lists,
    find_nucleus,
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

TRACES = sorted((Path(__file__).parents[1] / "traces").glob("*.json"))
COUNTS = ("rank", "k", "top_p_count")

logs = st.floats(-12.0, 0.0) | st.sampled_from([-0.0, -1.0, -745.2, -760.0, -999.0]) | st.floats(-999.0, -0.0)
roundings = st.sampled_from(["none", "float32", "3 digits", "above 1"])


@st.composite
def regular_lists(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Generate a list as engines send it: rounded probabilities with ties that sum to 1 or slightly more."""
    raw = draw(st.lists(logs, min_size=1, max_size=8))
    total = max(0.0, math.log(math.fsum(map(math.exp, raw)) or 1.0))
    rounding = draw(roundings)
    shift = total - (9e-7 if rounding == "above 1" else 0.0)
    logprobs = sorted((max(-999.0, min(log - shift, 0.0)) for log in raw), reverse=True)
    if rounding == "float32":
        logprobs = [float(np.float32(logprob)) for logprob in logprobs]
    if rounding == "3 digits":
        logprobs = [round(logprob, 3) for logprob in logprobs]
    tokens = draw(st.lists(st.integers(0, 9) | st.just(2**31 - 1), min_size=len(raw), max_size=len(raw), unique=True))
    name = draw(st.sampled_from(["token_str", "text", "neither"]))
    named = {} if name == "neither" else {name: draw(st.sampled_from(["a", "b", None]))}
    return [{"token": token, "logprob": log, **named} for token, log in zip(tokens, logprobs, strict=True)]


@st.composite
def mutated_lists(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Generate a regular list in which one entry may be replaced, changed, moved, removed or repeated."""
    entries = draw(regular_lists())
    place = draw(st.integers(0, len(entries) - 1))
    odd = st.sampled_from([None, "-inf", -1000.0, 1e-9, 0.5, 0, -1, True, -998.9])
    match draw(st.sampled_from(["nothing", "logprob", "token", "key", "repeat", "reverse", "remove", "prob"])):
        case "logprob":
            entries[place]["logprob"] = draw(odd)
        case "token":
            entries[place]["token"] = draw(st.sampled_from([None, -1, 2**31, 1.0, "1", entries[0]["token"]]))
        case "key":
            entries[place]["rank"] = 1
        case "repeat":
            entries.insert(place, entries[place])
        case "reverse":
            entries.reverse()
        case "remove":
            del entries[place]
        case "prob":
            entries[place] = {"token": 1, "prob": 0.5}
    return entries


@st.composite
def tables(draw: st.DrawFn) -> ListTable:
    drawn = draw(st.lists(regular_lists(), max_size=6))
    texts = [json.dumps(entries).encode() for entries in drawn]
    table = decode_lists([text for text in texts if decode_distribution(text)])  # rounding may have exceeded the limit
    assert table is not None
    return table


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
@given(st.lists(mutated_lists(), max_size=4))
def test_a_table_accepts_the_lists_that_decode_one_by_one(lists: list[list[dict[str, Any]]]) -> None:
    texts = [json.dumps(entries).encode() for entries in lists]
    expected = [decode_distribution(text) for text in texts]
    table = decode_lists(texts)
    if all(distribution is not None and distribution.mass <= 1.0 for distribution in expected):
        assert table is not None
    if table is None:
        return
    assert None not in expected
    for row, distribution in enumerate(expected):
        assert distribution is not None
        assert table.distribution(row) == distribution
        k = distribution.k
        assert table.sizes[row] == k
        assert table.tokens[row].tolist() == [*distribution.tokens] + [-1] * (table.tokens.shape[1] - k)
        assert table.logprobs[row, :k].tolist() == [*distribution.logprobs]
        assert table.probs[row, :k] == pytest.approx(distribution.probs, rel=1e-14, abs=1e-300)
        assert not table.logprobs[row, k:].any()
        assert not table.probs[row, k:].any()
        assert table.mass[row] == pytest.approx(distribution.mass, rel=1e-14, abs=1e-300)
        assert table.missing_mass[row] == pytest.approx(distribution.missing_mass, abs=1e-14)


@pytest.mark.parametrize(
    "odd",
    [
        [],
        [{"token": 1, "logprob": -1}, {"token": 1, "logprob": -1}],
        [{"token": 1, "logprob": -2}, {"token": 2, "logprob": -1}],
        [{"token": 1, "logprob": -1}, {"token": 2, "logprob": None}],
        [{"token": 1, "logprob": -1}, {"token": 2, "logprob": -1000}],
        [{"token": 1, "logprob": -0.1}, {"token": 2, "logprob": -0.2}],
        [{"token": 1, "prob": 0.5}],
        [{"token": 1, "logprob": -1, "rank": 1}],
        [{"token": 1, "logprob": -1, "token_str": 5}],
        [{"logprob": -1, "text": "a"}],
        [{"token": token, "logprob": -10} for token in range(1025)],
        None,
    ],
)
def test_one_irregular_list_selects_the_scalar_code(odd: object) -> None:
    regular = b'[{"token": 1, "logprob": -1}]'
    assert decode_lists([regular, json.dumps(odd).encode(), regular]) is None
    assert decode_lists([regular, regular]) is not None


def test_a_list_is_regular_up_to_the_maximum_length() -> None:
    entries = [{"token": token, "logprob": -10 - token / 1e3} for token in range(1024)]
    table = decode_lists([json.dumps(entries).encode(), b'[{"token": 3, "logprob": -1}]'])
    assert table is not None
    assert (table.tokens.shape, table.sizes.tolist()) == ((2, 1024), [1024, 1])


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


def test_a_token_without_id_or_text_is_outside_each_list() -> None:
    table = decode_lists(
        [b'[{"token": 5, "logprob": -1}]', b'[{"token": 5, "logprob": -9}, {"token": 6, "logprob": -9}]']
    )
    assert table is not None
    columns = score_rows(table, [0, 1], [Token(None, None)] * 2)
    assert columns.rank.tolist() == [0, 0]
    assert np.isnan(columns.prob).all()


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
@given(tables(), st.floats(1e-6, 1.0) | st.sampled_from([0.5, 0.9, 1.0]))
def test_each_list_has_its_nucleus(table: ListTable, top_p: float) -> None:
    counts, cutoffs = find_nucleus_columns(table, top_p)
    expected = [find_nucleus(table.distribution(row), top_p) for row in range(table.sizes.size)]
    assert [count or None for count in counts.tolist()] == [count for count, _ in expected]
    assert cutoffs == pytest.approx([math.nan if cut is None else cut for _, cut in expected], nan_ok=True, rel=1e-14)


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
