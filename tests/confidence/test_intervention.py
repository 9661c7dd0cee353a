"""Interventions of mods: how hard a mod pushed, and the model's confidence before and after."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.confidence import (
    Intervention,
    InterventionScores,
    Token,
    score_interventions,
    score_tokens,
    to_columns,
)
from core.confidence.intervention import DiscardedScores
from tests.confidence.builders import chosen, listed, moderate, some_tokens

HALF, QUARTER = (0.5, 0.25), (0.25, 0.25)


def score(tokens: list[Token], intervention: Intervention, window: int = 8) -> InterventionScores:
    return score_interventions(tokens, to_columns(score_tokens(tokens)), [intervention], window=window)[0]


def force(first: int, last: int, overridden: Token | None = None) -> Intervention:
    return Intervention("ForceTokens", "polite", "polite:Sampled", 4, first, last, overridden)


def backtrack(first: int, last: int, count: int, indices: tuple[int, ...] = ()) -> Intervention:
    return Intervention("Backtrack", "undo", "undo:Added", 4, None, None, None, first, last, count, indices)


def test_a_forced_run_is_scored_by_its_first_token() -> None:
    tokens = [chosen(0, *HALF), chosen(1, *HALF, forced=True), chosen(7, forced=True), chosen(0, *QUARTER)]
    found = score(tokens, force(1, 2))
    assert (found.intervention_surprisal, found.intervention_rank) == (pytest.approx(math.log(4)), 2)
    assert found.intervention_surprisal_is_bound is False
    assert found.sequence_confidence_before == pytest.approx(0.5)
    assert found.sequence_confidence_after == pytest.approx(0.25)
    assert found.mean_confidence_before == pytest.approx(math.log(8) / 2)
    assert found.mean_confidence_after == pytest.approx(math.log(4))
    assert (found.action_type, found.mod_name, found.block_key) == ("ForceTokens", "polite", "polite:Sampled")
    assert (found.generation_step, found.first_index, found.last_index, found.discarded) == (4, 1, 2, None)


def test_a_forced_token_without_a_distribution_has_no_push() -> None:
    found = score([chosen(7, forced=True)], force(0, 0))
    assert (found.intervention_surprisal, found.intervention_surprisal_is_bound) == (None, None)
    assert (found.sequence_confidence_before, found.mean_confidence_after) == (None, None)


def test_the_overridden_token_has_its_probability_in_the_same_distribution() -> None:
    tokens = [chosen(1, *HALF, forced=True)]
    found = score(tokens, force(0, 0, Token(0, "The")))
    assert (found.overridden_token, found.overridden_text, found.overridden_prob) == (0, "The", 0.5)
    assert score(tokens, force(0, 0, Token(9, "A"))).overridden_prob is None
    assert score(tokens, force(0, 0, Token(1, "A", distribution=listed(0.5, 0.125)))).overridden_prob == pytest.approx(
        0.125
    )


def test_an_adjusted_step_counts_on_neither_side() -> None:
    tokens = [chosen(0, *HALF), chosen(1, *HALF), chosen(0, *QUARTER)]
    found = score(tokens, Intervention("AdjustedLogits", None, None, 1, 1, 1, None))
    assert found.intervention_surprisal == pytest.approx(math.log(4))
    assert (found.sequence_confidence_before, found.sequence_confidence_after) == (0.5, 0.25)


def test_a_window_contains_the_nearest_sampled_tokens() -> None:
    tokens = [chosen(0, *QUARTER), chosen(0, *HALF), chosen(0, *QUARTER, discarded=True), chosen(1, *HALF, forced=True)]
    tokens += [chosen(7, forced=True), chosen(0, *HALF), chosen(0, *QUARTER)]
    found = score(tokens, force(3, 3), window=1)
    assert (found.window, found.sequence_confidence_before, found.sequence_confidence_after) == (1, 0.5, 0.5)


def test_a_pure_backtrack_is_scored_around_the_removed_tokens() -> None:
    tokens = [chosen(0, *HALF), chosen(0, *QUARTER, discarded=True), chosen(1, *HALF, discarded=True, forced=True)]
    tokens += [chosen(0, *QUARTER)]
    found = score(tokens, backtrack(1, 2, 2))
    assert (found.first_index, found.intervention_surprisal, found.intervention_rank) == (None, None, None)
    assert (found.sequence_confidence_before, found.sequence_confidence_after) == (0.5, 0.25)
    assert found.discarded == DiscardedScores(2, 1, 2, score_tokens(tokens)[1].prob)


def test_a_backtrack_does_not_count_tokens_removed_earlier() -> None:
    tokens = [chosen(0, *HALF, discarded=True), chosen(0, *QUARTER, discarded=True), chosen(0, *HALF, discarded=True)]
    found = score(tokens, backtrack(0, 2, 2, (0, 2))).discarded
    assert found == DiscardedScores(2, 0, 2, 0.5)


def test_removed_tokens_without_scores_have_no_confidence() -> None:
    assert score([Token(1, "a", discarded=True)], backtrack(0, 0, 1)).discarded == DiscardedScores(1, 0, 0, None)


def test_a_backtrack_that_removed_nothing_discarded_nothing() -> None:
    nothing = Intervention("Backtrack", None, None, None, None, None, None)
    found = score([chosen(0, *HALF)], nothing)
    assert found.discarded is None
    assert (found.sequence_confidence_before, found.sequence_confidence_after) == (None, None)


def test_a_window_needs_a_token() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        score([chosen(0, *HALF)], force(0, 0), window=0)


@moderate
@given(st.lists(some_tokens(), min_size=1, max_size=10), st.integers(0, 9), st.integers(0, 9), some_tokens())
def test_all_numbers_are_finite(tokens: list[Token], first: int, last: int, overridden: Token) -> None:
    first, last = sorted((first % len(tokens), last % len(tokens)))
    whole = Intervention("Backtrack", None, None, None, first, last, overridden, first, last, last - first + 1)
    found = score(tokens, whole)
    assert found.discarded is not None
    numbers = [getattr(found, name) for name in found.__struct_fields__ if name != "discarded"]
    for value in (*numbers, found.discarded.sequence_confidence):
        assert not isinstance(value, float) or math.isfinite(value)
