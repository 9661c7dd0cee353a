"""The scores of each token."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.confidence import (
    InvalidDistribution,
    Token,
    TokenScores,
    find_nucleus,
    read_distribution,
    score_tokens,
)
from tests.confidence.builders import chosen, entry_lists, listed, moderate, some_tokens

NOTHING = TokenScores()


def score(token: Token, **options: Any) -> TokenScores:
    return score_tokens([token], **options)[0]


def test_without_data_there_are_no_scores() -> None:
    assert score_tokens([]) == []
    assert score(Token(5, "a")) == NOTHING


def test_a_known_token_has_its_probability() -> None:
    found = score(chosen(1, 0.5, 0.25, 0.125))
    assert (found.prob, found.prob_upper_bound, found.rank) == (0.25, 0.25, 2)
    assert found.logprob == -math.log(4)
    assert found.surprisal == math.log(4)
    assert (found.margin, found.selected_margin) == (0.25, -0.25)
    assert found.logprob_gap == pytest.approx(math.log(2))


def test_a_token_outside_the_list_has_a_bound_and_no_probability() -> None:
    found = score(chosen(9, 0.5, 0.25))
    assert (found.prob, found.logprob, found.surprisal, found.cum_nll) == (None, None, None, None)
    assert (found.rank, found.selected_margin, found.logprob_gap) == (None, None, None)
    assert found.prob_upper_bound == 0.25
    assert score(chosen(9, 0.5, 0.375)).prob_upper_bound == 0.125


def test_the_bound_is_the_least_probability_where_rounding_leaves_no_mass() -> None:
    found = score(Token(9, None, distribution=listed(0.75, 0.25)))
    assert (found.missing_mass, found.prob_upper_bound) == (0.0, 0.25)


def test_a_bound_below_the_smallest_float_is_unknown() -> None:
    distribution = read_distribution([{"token": 1, "logprob": -800.0}], "top_tokens")
    found = score(Token(9, None, distribution=distribution), vocab_size=10)
    assert (found.prob_upper_bound, found.negentropy, found.varentropy, found.entropy) == (None, None, None, 0.0)


def test_a_reported_logprob_counts_even_outside_the_list() -> None:
    found = score(Token(9, None, logprob=math.log(0.125), distribution=listed(0.5, 0.25)))
    assert found.prob == found.prob_upper_bound == pytest.approx(0.125)
    assert found.rank is None
    assert found.selected_margin == pytest.approx(-0.375)
    assert found.logprob_gap == pytest.approx(math.log(4))


def test_a_reported_logprob_alone_is_a_probability_without_a_distribution() -> None:
    assert score(Token(9, None, logprob=-1.0)) == TokenScores(math.exp(-1), math.exp(-1), -1.0, 1.0, 1.0)


@pytest.mark.parametrize("masked", [-1000.0, -math.inf])
def test_a_chosen_token_reported_as_impossible_is_unknown(masked: float) -> None:
    assert score(Token(9, None, logprob=masked)) == NOTHING
    assert score(Token(0, None, logprob=masked, distribution=listed(0.5))).prob == 0.5


def test_a_positive_logprob_is_rejected_unless_the_token_was_forced() -> None:
    assert score(Token(9, None, logprob=1e-7)).prob == 1.0
    assert score(Token(9, None, logprob=0.5, forced=True)) == NOTHING
    with pytest.raises(InvalidDistribution, match=r"^tokens\[1\]\.logprob: 0\.5 is not a log-probability"):
        score_tokens([Token(1, None), Token(9, None, logprob=0.5)])


def test_ties_take_the_worse_rank() -> None:
    assert [score(chosen(token, 0.5, 0.125, 0.125, 0.125, 0.0625)).rank for token in range(5)] == [1, 4, 4, 4, 5]


def test_one_entry_has_no_margin_and_no_spread() -> None:
    found = score(chosen(0, 0.75))
    assert (found.margin, found.selected_margin, found.negentropy, found.flatness) == (None, None, None, None)
    assert (found.k, found.varentropy, found.logprob_gap, found.rank) == (1, pytest.approx(0), 0.0, 1)
    assert found.token_confidence == -math.log(0.75)


def test_certainty_is_exactly_zero_and_one() -> None:
    found = score(chosen(0, 1.0), vocab_size=100)
    assert (found.prob, found.surprisal, found.entropy, found.entropy_lower, found.entropy_upper) == (1, 0, 0, 0, 0)
    assert all(math.copysign(1, value) == 1 for value in found if isinstance(value, float))


def test_truncated_and_unreliable_start_above_their_limits() -> None:
    marks = [(row.truncated, row.unreliable) for row in map(score, (chosen(0, p) for p in (0.96, 0.94, 0.5, 0.4)))]
    assert marks == [(False, False), (True, False), (True, False), (True, True)]


def test_masked_entries_count_as_zero() -> None:
    plain, masked = score(chosen(0, 0.5, 0.25), vocab_size=9), score(chosen(0, 0.5, 0.25, None, None), vocab_size=9)
    same = ("prob", "entropy", "margin", "selected_margin", "varentropy", "top_p_count", "missing_mass", "rank")
    assert [getattr(masked, name) for name in same] == [getattr(plain, name) for name in same]
    assert (masked.token_confidence, masked.entropy_lower, masked.entropy_upper, masked.k) == (None, None, None, 4)
    assert plain.flatness is not None
    assert masked.flatness == pytest.approx(plain.flatness * math.log(2) / math.log(4))


def test_the_only_unmasked_entry_leads_by_its_probability() -> None:
    found = score(chosen(0, 0.75, None))
    assert (found.margin, found.selected_margin, found.varentropy, found.negentropy) == pytest.approx(
        (0.75, 0.75, 0.0, 1.0)
    )


def test_a_chosen_token_that_the_list_masks_is_unknown() -> None:
    found = score(chosen(2, 0.5, 0.125, None))
    assert (found.prob, found.rank, found.prob_upper_bound) == (None, None, pytest.approx(0.125))


def test_a_list_of_masked_entries_has_no_score_but_its_length() -> None:
    assert score(chosen(0, None, None), vocab_size=9) == TokenScores(k=2)


def test_without_a_fitting_vocabulary_there_is_no_upper_bound() -> None:
    assert [score(chosen(0, 0.5, 0.2), vocab_size=size).entropy_upper for size in (None, 0, 1, 2, 3)] == [None] * 5


def test_a_vocabulary_of_any_size_gives_finite_scores() -> None:
    found = score(chosen(0, 0.5, 0.2), vocab_size=10**400).entropy_upper
    assert found is not None
    assert math.isfinite(found)


def test_the_nucleus_is_the_smallest_prefix_that_reaches_top_p() -> None:
    probs = (0.5, 0.3, 0.1, 0.05)
    counts = [find_nucleus(listed(*probs), top_p) for top_p in (0.5, 0.51, 0.9, 0.95, 0.96)]
    assert [count for count, _ in counts] == [1, 2, 3, 4, None]
    assert counts[2][1] == pytest.approx(0.1)
    assert counts[4] == (None, None)


def test_each_token_may_have_its_own_nucleus() -> None:
    tokens = [chosen(0, 0.5, 0.3, 0.1)] * 3
    assert [row.top_p_count for row in score_tokens(tokens, top_p=0.8, top_ps=[0.5, None, 0.9])] == [1, 2, 3]


def test_the_running_sum_counts_sampled_kept_known_tokens() -> None:
    half, quarter = (0.5, 0.25), (0.25, 0.25)
    tokens = [
        chosen(9, *half),
        chosen(0, *half, forced=True),
        chosen(0, *half),
        chosen(0, *quarter, discarded=True),
        chosen(9, *half),
        chosen(0, *quarter),
    ]
    log2 = math.log(2)
    assert [row.cum_nll for row in score_tokens(tokens)] == [None, None, log2, log2, log2, pytest.approx(3 * log2)]


@moderate
@given(entry_lists(), st.integers(0, 12), st.integers(1, 100_000))
def test_the_bounds_hold(entries: list[object], token: int, vocab_size: int) -> None:
    found = score(Token(token, None, distribution=read_distribution(entries, "")), vocab_size=vocab_size)
    assert found.entropy is not None
    assert found.entropy_lower is not None
    assert found.prob_upper_bound is not None
    assert 0 <= found.entropy <= found.entropy_lower
    assert found.entropy_upper is None or found.entropy_lower <= found.entropy_upper
    assert 0 < found.prob_upper_bound <= 1
    assert found.prob is None or found.prob == found.prob_upper_bound


@moderate
@given(some_tokens(), st.integers(1, 50_000))
def test_each_score_stays_in_its_range(token: Token, vocab_size: int) -> None:
    found = score(token, vocab_size=vocab_size)
    ranges = {
        **dict.fromkeys(("prob", "prob_upper_bound", "missing_mass", "negentropy", "flatness", "margin"), (0, 1)),
        **dict.fromkeys(("surprisal", "entropy", "varentropy", "token_confidence", "logprob_gap"), (0, math.inf)),
        "selected_margin": (-1, 1),
        "logprob": (-1000, 0),
        "top_p_cutoff": (0, 1),
    }
    for name, (least, most) in ranges.items():
        value = getattr(found, name)
        assert value is None or least <= value <= most, name
        assert not isinstance(value, float) or math.isfinite(value), name
