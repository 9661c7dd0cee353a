"""The scores of a request: which tokens count, which are skipped, and that missing values stay missing."""

import math
from dataclasses import asdict
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.confidence import (
    Coverage,
    SequenceScores,
    Token,
    group_confidences,
    score_sequence,
    score_tokens,
)
from core.confidence.window import average_windows, profile_windows
from tests.confidence.builders import chosen, moderate, some_tokens


def score(*tokens: Token, window: int = 32) -> SequenceScores:
    return score_sequence(tokens, score_tokens(tokens), window=window)


def groups(*tokens: Token, window: int) -> list[float | None]:
    return group_confidences(tokens, score_tokens(tokens), window)


def values_of(found: SequenceScores) -> dict[str, Any]:
    return {name: value for name, value in asdict(found).items() if name not in {"window", "coverage"}}


def test_no_scored_tokens_give_nulls() -> None:
    nothing = (), (Token(1, "a"),), (chosen(0, 0.5, forced=True), chosen(0, 0.5, discarded=True)), (chosen(0, None),)
    for tokens in nothing:
        found = score(*tokens)
        assert set(values_of(found).values()) == {None}
        assert found.window == 32
    assert score().coverage == Coverage(0, 0, 0, 0, 0, 0, 0)


def test_confidence_is_the_geometric_mean_and_perplexity_its_inverse() -> None:
    found = score(chosen(0, 0.5, 0.25), chosen(1, 0.5, 0.125))
    assert found.sequence_confidence == pytest.approx(0.25)
    assert found.perplexity == pytest.approx(4)
    assert found.sequence_nll == pytest.approx(math.log(16))
    assert (found.min_token_probability, found.min_token_index) == (pytest.approx(0.125), 1)
    assert (found.sequence_confidence_is_bound, found.low_confidence_fraction) == (False, 0.5)


def test_unknown_tokens_count_with_their_bound() -> None:
    found = score(chosen(0, 0.5, 0.25), chosen(9, 0.5, 0.125))
    assert (found.sequence_confidence, found.sequence_confidence_is_bound) == (pytest.approx(0.25), True)
    assert (found.min_token_probability, found.coverage.sampled_in_top_k) == (pytest.approx(0.125), 1)


def test_a_token_without_list_or_logprob_is_skipped_and_not_covered() -> None:
    with_gap, without = score(Token(1, "a"), chosen(0, 0.5, 0.25)), score(chosen(0, 0.5, 0.25))
    assert values_of(with_gap) == {**values_of(without), "min_token_index": 1}
    assert (with_gap.coverage.sampled, with_gap.coverage.with_distribution) == (2, 1)


def test_a_certain_answer_is_zero_without_a_sign() -> None:
    assert math.copysign(1, score(chosen(0, 1.0)).sequence_nll or 0.0) == 1


def test_the_coverage_counts_tokens() -> None:
    tokens = (
        chosen(0, 0.5, None),
        chosen(9, 0.5, 0.25),
        chosen(0, 0.5, forced=True),
        chosen(0, forced=True),
        chosen(0, 0.5, None, discarded=True),
        Token(1, "a", logprob=-1.0),
    )
    assert score(*tokens).coverage == Coverage(6, 4, 3, 1, 2, 1, 2)


def test_a_perplexity_beyond_a_float_is_unknown() -> None:
    found = score(Token(1, None, logprob=-900.0))
    assert (found.perplexity, found.sequence_nll) == (None, 900.0)


def test_a_window_needs_a_token() -> None:
    for call in (lambda: score(chosen(0, 0.5), window=0), lambda: groups(chosen(0, 0.5), window=0)):
        with pytest.raises(ValueError, match="at least 1"):
            call()


def test_the_lowest_tenth_of_the_windows_is_at_least_one() -> None:
    falling = [chosen(0, 1 / (2 + i)) for i in range(20)]
    found = score(*reversed(falling), window=1)
    assert found.lowest_group_confidence == found.tail_confidence == pytest.approx(math.log(2))
    assert found.bottom_10pct_group_confidence == pytest.approx(math.log(6) / 2)
    assert score(*falling[:19], window=1).bottom_10pct_group_confidence == pytest.approx(math.log(2))


def test_a_group_ends_at_its_token_and_forced_tokens_have_none() -> None:
    tokens = chosen(0, 0.5), chosen(0, 0.5, forced=True), chosen(0, 0.25), Token(1, "a"), chosen(0, 0.0625)
    log2 = math.log(2)
    assert groups(*tokens, window=2) == [None, None, pytest.approx(1.5 * log2), None, pytest.approx(3 * log2)]


def test_a_short_text_has_one_group_on_its_last_token() -> None:
    tokens = chosen(0, 0.5), chosen(0, 0.125), chosen(0, 0.5, discarded=True)
    assert groups(*tokens, window=32) == [None, pytest.approx(2 * math.log(2)), None]
    assert groups(window=32) == []


@moderate
@given(st.lists(st.floats(0, 1000), min_size=1, max_size=60), st.integers(1, 12))
def test_a_window_is_the_mean_of_its_values(values: list[float], window: int) -> None:
    width = min(window, len(values))
    expected = [math.fsum(values[i : i + width]) / width for i in range(len(values) - width + 1)]
    assert average_windows(values, window) == pytest.approx(expected, rel=1e-12, abs=1e-12)


@moderate
@given(st.lists(some_tokens(), max_size=8), st.lists(some_tokens(), max_size=8))
def test_splitting_a_request_splits_its_sums(first: list[Token], second: list[Token]) -> None:
    whole, parts = score(*first, *second), [score(*first), score(*second)]
    assert whole.sequence_nll == pytest.approx(sum(p.sequence_nll or 0 for p in parts)) or whole.sequence_nll is None
    running = [rows[-1].cum_nll or 0 for part in (first, second) if (rows := score_tokens(part))]
    both = score_tokens([*first, *second])
    assert not both or (both[-1].cum_nll or 0) == pytest.approx(sum(running))
    for name, count in asdict(whole.coverage).items():
        assert count == sum(getattr(part.coverage, name) for part in parts)


@moderate
@given(st.lists(some_tokens(), max_size=10), st.integers(1, 5))
def test_all_numbers_are_finite(tokens: list[Token], window: int) -> None:
    found = score(*tokens, window=window)
    for value in (*values_of(found).values(), *groups(*tokens, window=window)):
        assert value is None or math.isfinite(value)
    if found.sequence_confidence is not None:
        assert 0 <= found.sequence_confidence <= 1
        assert found.perplexity is None or found.perplexity >= 1


@moderate
@given(st.lists(some_tokens(), max_size=10))
def test_null_never_becomes_a_number(tokens: list[Token]) -> None:
    """An aggregate is null exactly if all tokens lack the score."""
    rows = [row for token, row in zip(tokens, score_tokens(tokens), strict=True) if token.sampled]
    found = score(*tokens)
    made_of = {
        "sequence_confidence": "prob_upper_bound",
        "mean_token_entropy": "entropy",
        "mean_token_negentropy": "negentropy",
        "min_token_negentropy": "negentropy",
        "probability_margin": "margin",
        "mean_confidence": "token_confidence",
        "tail_confidence": "token_confidence",
        "lowest_group_confidence": "token_confidence",
        "bottom_10pct_group_confidence": "token_confidence",
        "low_confidence_fraction": "prob_upper_bound",
    }
    for name, source in made_of.items():
        known = any(getattr(row, source) is not None for row in rows)
        assert (getattr(found, name) is not None) is known, name


@moderate
@given(
    st.lists(some_tokens(), max_size=10), some_tokens(), st.integers(0, 10), st.sampled_from(["forced", "discarded"])
)
def test_forced_and_discarded_tokens_change_no_aggregate(tokens: list[Token], extra: Token, at: int, fate: str) -> None:
    at = min(at, len(tokens))
    put_in = [
        *tokens[:at],
        msgspec.structs.replace(extra, forced=fate == "forced", discarded=fate == "discarded"),
        *tokens[at:],
    ]
    before, after = values_of(score(*tokens)), values_of(score(*put_in))
    moved = before.pop("min_token_index"), after.pop("min_token_index")
    assert before == after
    assert moved[0] is None or moved[1] == moved[0] + (moved[0] >= at)


@moderate
@given(tokens=st.lists(some_tokens(), max_size=40), window=st.integers(1, 8), parts=st.integers(1, 8))
def test_a_profile_keeps_the_order_and_the_lowest_window(tokens: list[Token], window: int, parts: int) -> None:
    means = [mean for mean in groups(*tokens, window=window) if mean is not None]
    found = profile_windows(np.array(means), parts)
    assert len(found) == min(parts, len(means))
    rest = iter(means)
    assert all(value in rest for value in found), "the profile contains some of the windows in order"
    assert min(found, default=None) == min(means, default=None)


def test_the_parts_of_a_profile_have_the_same_length() -> None:
    assert profile_windows(np.array([7, 6, 5.5, 4, 1, 3, 2]), 3) == [6, 4, 1]
