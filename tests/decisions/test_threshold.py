"""Certified thresholds keep their promise, also with few labels and with scores that mislead."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from core.calibrators.fit import fit_isotonic
from core.decisions.threshold import (
    STEPS,
    bound_error,
    count_labels,
    count_needed,
    find_possible_target,
    search_threshold,
)

DRAWS = 2000
CONFIDENCE = 0.95
MAY_BREAK = 0.06

Floats = NDArray[np.float64]


def rise(x: Floats, target: float) -> Floats:
    """The usual score: the risk falls to 0 as the certainty x rises to 1."""
    return np.minimum(1, 2.5 * target * (1 - x))


def stay(x: Floats, target: float) -> Floats:
    """The hardest score: the risk is just above the target everywhere, so each certified threshold is wrong."""
    return np.full_like(x, target * 1.0001)


def fall(x: Floats, target: float) -> Floats:
    """A misleading score: the most certain answers are wrong most often."""
    return 2 * target * x


def dip(x: Floats, target: float) -> Floats:
    """A score that is good at the top and useless below, so that a threshold too far down breaks the promise."""
    return np.where(x > 0.8, target / 2, 3 * target).clip(0, 1)


RISKS: tuple[Callable[[Floats, float], Floats], ...] = (rise, stay, fall, dip)
GRID = (np.arange(100_000) + 0.5) / 100_000


def find_true_risk(risk: Callable[[Floats, float], Floats], target: float, threshold: float) -> float:
    """Integrate the risk of the answers above a threshold, of certainties that are uniform in 0…1."""
    accepted = GRID[min(threshold, GRID[-1]) <= GRID]
    return float(risk(accepted, target).mean())


@pytest.mark.parametrize("risk", RISKS, ids=lambda risk: risk.__name__)
@pytest.mark.parametrize(("n", "target"), [(30, 0.3), (60, 0.2), (150, 0.1), (1000, 0.2)])
def test_a_certified_threshold_breaks_its_promise_in_at_most_one_of_twenty_draws(
    n: int, target: float, risk: Callable[[Floats, float], Floats]
) -> None:
    generator, broken, certified = np.random.default_rng(12), 0, 0
    for _ in range(DRAWS):
        certainty = generator.random(n)
        right = generator.random(n) >= risk(certainty, target)
        cut = search_threshold(certainty, right, target_error=target, confidence=CONFIDENCE).certified
        if cut is not None:
            certified += 1
            broken += find_true_risk(risk, target, cut.certainty) > target
    assert broken <= MAY_BREAK * DRAWS
    if risk is rise:
        assert certified > DRAWS / 4  # the guarantee is not kept by refusing everything


def test_taking_any_cut_that_passes_pointwise_breaks_the_promise() -> None:
    generator, n, target, broken = np.random.default_rng(12), 1000, 0.2, 0
    accepted = np.arange(1, STEPS + 1) * n // STEPS
    for _ in range(DRAWS):
        right = generator.random(n) >= target * 1.0001
        wrong = np.cumsum(~right, dtype=np.int64)[accepted - 1]
        broken += bool((bound_error(wrong, accepted, CONFIDENCE) <= target).any())
    assert broken > 2 * MAY_BREAK * DRAWS


def test_the_cuts_are_tried_from_the_most_certain_and_the_first_that_fails_ends_the_search() -> None:
    certainty = np.arange(1000)[::-1].astype(float)
    right = np.ones(1000, np.bool_)
    right[60:90] = False  # the second 5 % fail; with all 1000 accepted, 3 % are wrong
    found = search_threshold(certainty, right, target_error=0.2, confidence=CONFIDENCE)
    assert found.certified is not None
    assert (found.certified.n, found.certified.wrong, found.certified.certainty) == (50, 0, 950)
    assert found.certified.bound == pytest.approx(1 - 0.05 ** (1 / 50), abs=1e-12)


def test_labels_with_the_same_score_are_accepted_together() -> None:
    certainty = np.repeat([3.0, 2.0, 1.0], [7, 33, 60])
    found = search_threshold(certainty, np.ones(100, np.bool_), target_error=0.3, confidence=CONFIDENCE)
    assert found.first is not None
    assert found.certified is not None
    assert (found.first.n, found.certified.n) == (40, 100)  # seven labels can't certify 0.3, nine can


@pytest.mark.parametrize(("target", "needed"), [(0.05, 59), (0.1, 29), (0.2, 14), (0.3, 9), (0.5, 5)])
def test_the_number_of_labels_needed_is_exact(target: float, needed: int) -> None:
    assert count_needed(target, CONFIDENCE) == needed
    right = np.ones(needed, np.bool_)
    certainty = np.ones(needed)
    assert search_threshold(certainty, right, target_error=target, confidence=CONFIDENCE).certified is not None
    fewer = search_threshold(certainty[1:], right[1:], target_error=target, confidence=CONFIDENCE)
    assert fewer == (None, None)


def test_a_calibrator_that_was_fitted_to_the_same_labels_breaks_the_promise() -> None:
    """Its corners depend on the outcomes, so the cuts do as well. The threshold of p_correct needs other labels."""
    generator, draws, broken = np.random.default_rng(1), 300, 0
    for _ in range(draws):
        certainty = generator.random(500)
        right = generator.random(500) >= stay(certainty, 0.2)
        fitted = fit_isotonic(certainty, right, increasing=True).apply(certainty)
        broken += search_threshold(fitted, right, target_error=0.2, confidence=CONFIDENCE).certified is not None
    assert broken > 2 * MAY_BREAK * draws


def test_nothing_is_certified_without_labels() -> None:
    none = np.array([])
    assert search_threshold(none, none.astype(np.bool_), target_error=0.2, confidence=0.9) == (None, None)


@pytest.mark.parametrize(("rate", "target"), [(0.0, 0.05), (0.1, 0.2), (0.18, 0.2)])
def test_an_estimated_number_of_labels_certifies_the_target(rate: float, target: float) -> None:
    n = count_labels(rate, target_error=target, confidence=CONFIDENCE)
    assert n is not None
    few, many = np.array([n * 7 // 10]), np.array([n * 13 // 10])
    assert bound_error((rate * few).round(), few, CONFIDENCE)[0] > target
    assert bound_error((rate * many).round(), many, CONFIDENCE)[0] <= target


def test_no_number_of_labels_certifies_a_target_below_the_observed_rate() -> None:
    assert count_labels(0.2, target_error=0.2, confidence=CONFIDENCE) is None


@given(st.lists(st.tuples(st.sampled_from([0.1, 0.2, 0.3, 0.4]), st.booleans()), max_size=60), st.floats(0.001, 0.999))
def test_a_possible_target_is_certified(labels: list[tuple[float, bool]], target: float) -> None:
    certainty = np.array([one for one, _ in labels])
    right = np.array([right for _, right in labels], np.bool_)
    possible = find_possible_target(certainty, right, target_error=target, confidence=CONFIDENCE)
    if possible is not None:
        found = search_threshold(certainty, right, target_error=possible, confidence=CONFIDENCE).certified
        assert found is not None
        assert found.bound <= possible
        assert found.n == np.count_nonzero(certainty >= found.certainty)
