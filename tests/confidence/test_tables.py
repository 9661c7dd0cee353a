"""Tables of top-k lists: which lists are regular."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.confidence import (
    ListTable,
    decode_distribution,
    decode_lists,
    find_nucleus,
    find_nucleus_columns,
)
from tests.confidence.builders import moderate
from tests.support.score_lists import regular_lists, tables


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
        [{"token": 1, "logprob": -1, "token_str": "\ud800"}],
        [{"token": 1, "logprob": 1e-9}],
        [{"token": 1.0, "logprob": -1}],
        [{"logprob": -1, "text": "a"}],
        [{"token": token, "logprob": -10} for token in range(1025)],
        None,
    ],
)
def test_one_irregular_list_selects_the_scalar_code(odd: object) -> None:
    regular = b'[{"token": 1, "logprob": -1}]'
    assert decode_distribution(json.dumps(odd).encode()) is None
    assert decode_lists([regular, json.dumps(odd).encode(), regular]) is None
    assert decode_lists([regular, regular]) is not None


def test_a_list_is_regular_up_to_the_maximum_length() -> None:
    entries = [{"token": token, "logprob": -10 - token / 1e3} for token in range(1024)]
    table = decode_lists([json.dumps(entries).encode(), b'[{"token": 3, "logprob": -1}]'])
    assert table is not None
    assert (table.tokens.shape, table.sizes.tolist()) == ((2, 1024), [1024, 1])


@moderate
@given(tables(), st.floats(1e-6, 1.0) | st.sampled_from([0.5, 0.9, 1.0]))
def test_each_list_has_its_nucleus(table: ListTable, top_p: float) -> None:
    counts, cutoffs = find_nucleus_columns(table, top_p)
    expected = [find_nucleus(table.distribution(row), top_p) for row in range(table.sizes.size)]
    assert [count or None for count in counts.tolist()] == [count for count, _ in expected]
    assert cutoffs == pytest.approx([math.nan if cut is None else cut for _, cut in expected], nan_ok=True, rel=1e-14)
