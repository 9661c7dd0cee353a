"""Which entries are the same token, and which of them was chosen."""

import math
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.confidence import Token, TokenScores, read_distribution, reconcile_list, score_tokens
from tests.confidence.builders import moderate


def score(text: str | None, logprob: float | None, *entries: tuple[str, float]) -> TokenScores:
    listed = read_distribution([{"text": name, "logprob": number} for name, number in entries], "top_tokens")
    return score_tokens([Token(None, text, logprob, distribution=listed)])[0]


def test_the_entry_with_the_tokens_number_is_chosen_among_equal_texts() -> None:
    row = score("\ufffd", -1.2, ("\ufffd", -0.5), ("\ufffd", -1.2), ("A", -3.0))
    assert (row.rank, row.k, row.prob) == (2, 3, math.exp(-1.2))


def test_differently_rounded_numbers_are_equal() -> None:
    row = score("a", -0.25048828, ("a", -0.25), ("b", -2.0))
    assert (row.rank, row.k, row.prob) == (1, 2, math.exp(-0.25048828))


def test_a_token_below_the_list_differs_from_an_entry_with_equal_text() -> None:
    row = score("", -5.0, ("", -0.5), (".", -3.0))
    assert (row.rank, row.prob) == (None, math.exp(-5.0))
    assert row.missing_mass == pytest.approx(1 - math.exp(-0.5) - math.exp(-3))


def test_a_likelier_token_replaces_a_worse_entry_with_equal_text() -> None:
    row = score("false", -0.233, ("true", -1.5768), ("null", -8.3892), ("false", -8.4752))
    assert (row.rank, row.k) == (1, 3)
    assert row.missing_mass == pytest.approx(0.000984, abs=1e-6)


def test_a_less_likely_token_within_the_list_is_added_next_to_an_entry_with_equal_text() -> None:
    row = score("", -1.1, ("", -0.5), (".", -3.0))
    assert (row.rank, row.k) == (2, 3)
    assert row.missing_mass == pytest.approx(1 - math.exp(-1.1) - math.exp(-0.5) - math.exp(-3))


def test_a_masked_token_is_not_an_entry_with_equal_text() -> None:
    listed = read_distribution([{"text": "a", "logprob": -3.0}, {"text": "a", "logprob": -4.0}], "top_tokens")
    assert reconcile_list(Token(None, "a", -math.inf, distribution=listed), -math.inf) == (listed, None)


def test_a_list_that_cannot_contain_the_tokens_number_is_dropped() -> None:
    listed = read_distribution([{"token": 1, "prob": 0.1}, {"token": 2, "prob": 0.9}], "top_tokens")
    token = Token(1, None, math.log(0.8), distribution=listed)
    assert reconcile_list(token, token.logprob) == (None, None)
    (row,) = score_tokens([token])
    assert (row.prob, row.entropy, row.rank) == (pytest.approx(0.8), None, None)


def test_a_missing_token_that_is_likelier_than_the_last_is_added() -> None:
    row = score("x", -0.2, ("a", -2.0), ("b", -4.0))
    assert (row.rank, row.k) == (1, 2)
    assert row.missing_mass == pytest.approx(1 - math.exp(-0.2) - math.exp(-2.0))


@pytest.mark.parametrize("entries", [(("a", -0.3), ("b", -3.5)), (("a", -0.7), ("b", -0.7))])
def test_a_list_that_leaves_no_room_for_a_missing_token_is_dropped(entries: tuple[tuple[str, float], ...]) -> None:
    row = score("x", -0.8, *entries)
    assert (row.prob, row.rank, row.missing_mass, row.entropy) == (math.exp(-0.8), None, None, None)


@moderate
@given(st.lists(st.floats(-9.0, -2.5), min_size=1, max_size=5), st.floats(-9.0, 0.0))
def test_a_missing_token_is_never_likelier_than_the_missing_mass(logprobs: list[float], logprob: float) -> None:
    row = score("x", logprob, *((f"t{i}", one) for i, one in enumerate(logprobs)))
    if row.rank is None and row.missing_mass is not None:
        assert math.exp(logprob) <= row.missing_mass + 0.02
        assert logprob <= min(logprobs) + 0.02 or min(abs(one - logprob) for one in logprobs) <= 0.02


_names = st.none() | st.sampled_from(["", "a", "\ufffd"])
_ids = st.none() | st.integers(0, 2)
_logprobs = st.floats(-9.0, 0.0) | st.just(-math.inf)


@example([(None, "a", -3.0), (None, "a", -4.0)], (None, "a", -math.inf))
@given(
    st.lists(st.tuples(_ids, _names, st.floats(-9.0, -2.5) | st.just(-math.inf)), min_size=1, max_size=5),
    st.tuples(_ids, _names, st.none() | _logprobs),
)
def test_a_position_names_an_entry_with_the_tokens_number(
    entries: list[tuple[int | None, str | None, float]], chosen: tuple[int | None, str | None, float | None]
) -> None:
    listed = read_distribution([{"token": t, "text": s, "logprob": number} for t, s, number in entries], "top_tokens")
    token, text, logprob = chosen
    settled, position = reconcile_list(Token(token, text, logprob, distribution=listed), logprob)
    if settled is not None and position is not None:
        assert position < settled.live
        assert logprob in (None, settled.logprobs[position])
    if token is None and text is None:
        assert (settled, position) == (listed, None), "a token without a name is in no list"


@st.composite
def namings(draw: st.DrawFn) -> tuple[list[dict[str, Any]], list[dict[str, Any]], int]:
    """Generate a list with ids, the same list without ids and with some ambiguous texts, and the chosen entry."""
    weights = draw(st.lists(st.integers(1, 10**6), min_size=1, max_size=8, unique=True))
    total = sum(weights) + draw(st.integers(0, 10**6))
    rows = [{"token": i, "text": f"t{i}", "logprob": math.log(one / total)} for i, one in enumerate(weights)]
    blank = draw(st.lists(st.sampled_from([None, "", "\ufffd"]), min_size=len(rows), max_size=len(rows)))
    bare = [
        {"text": row["text"] if text is None else text, "logprob": row["logprob"]}
        for row, text in zip(rows, blank, strict=True)
    ]
    return rows, bare, draw(st.integers(0, len(rows) - 1))


@moderate
@given(namings())
def test_names_change_no_score(named: tuple[list[dict[str, Any]], list[dict[str, Any]], int]) -> None:
    rows, bare, chosen = named
    with_ids, without = read_distribution(rows, "top_tokens"), read_distribution(bare, "top_tokens")
    assert with_ids is not None
    assert without is not None
    assert (with_ids.mass, with_ids.logprobs) == (without.mass, without.logprobs)
    logprob = rows[chosen]["logprob"]
    one = Token(chosen, None, logprob, distribution=with_ids)
    other = Token(None, bare[chosen]["text"], logprob, distribution=without)
    assert score_tokens([one]) == score_tokens([other])


@moderate
@given(namings(), st.floats(-12.0, 0.0))
def test_rank_and_mass_agree_with_the_tokens_own_number(
    named: tuple[list[dict[str, Any]], list[dict[str, Any]], int], logprob: float
) -> None:
    for rows in named[:2]:
        row = rows[named[2]]
        token = Token(row.get("token"), row["text"], logprob, distribution=read_distribution(rows, "top_tokens"))
        settled, position = reconcile_list(token, logprob)
        (scores,) = score_tokens([token])
        assert scores.prob == math.exp(logprob)
        if position is not None:
            assert settled is not None
            assert settled.logprobs[position] == logprob
            assert scores.rank == sum(one >= logprob for one in settled.logprobs)
            assert math.exp(logprob) <= settled.mass
