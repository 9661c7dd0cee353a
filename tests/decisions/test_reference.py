"""The measures equal the reference implementations to 1e-9. record_reference.py made the values."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from core.decisions.bootstrap import count_once, draw_resamples
from core.decisions.ranking import rank
from core.decisions.reliability import sort_into_bins
from core.decisions.threshold import bound_error
from core.decisions.warm_up import find_warm_up

REFERENCE = json.loads((Path(__file__).parent / "reference.json").read_text())
TOLERANCE = 1e-9


def near(value: float) -> Any:
    return pytest.approx(value, rel=0, abs=TOLERANCE)


def read(case: dict[str, Any]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    return np.array(case["scores"]), np.array(case["right"], np.bool_)


@pytest.mark.parametrize("case", REFERENCE["labels"], ids=lambda case: f"n={len(case['right'])}")
def test_rankings_equal_lm_polygraph_and_scikit_learn(case: dict[str, Any]) -> None:
    scores, right = read(case)
    quality = rank(scores, right).measure(count_once(len(right)))
    assert quality.aurc == near(case["aurc"])
    assert quality.prr == near(case["prr"])
    assert quality.auroc == near(case["auroc"])


@pytest.mark.parametrize("case", REFERENCE["labels"], ids=lambda case: f"n={len(case['right'])}")
@pytest.mark.parametrize("bins", [5, 10, 15])
def test_calibration_errors_equal_lm_polygraph_and_scikit_learn(case: dict[str, Any], bins: int) -> None:
    errors = sort_into_bins(*read(case), bins).measure(count_once(len(case["right"])))
    assert errors.ece == near(case["ece"][str(bins)])
    assert errors.brier == near(case["brier"])


def test_bounds_equal_scipy() -> None:
    for case in REFERENCE["bounds"]:
        found = bound_error(np.array([case["wrong"]]), np.array([case["n"]]), case["confidence"])
        assert found == near(case["bound"]), case


@pytest.mark.parametrize("case", REFERENCE["warm_up"], ids=lambda case: f"n={len(case['values'])}, keep={case['keep']}")
def test_the_warm_up_threshold_equals_deepconf(case: dict[str, Any]) -> None:
    threshold = find_warm_up(np.array(case["values"]), case["keep"])
    assert threshold == near(case["threshold"])
    assert [value for value in case["values"] if value >= threshold] == case["kept"]


@pytest.mark.parametrize("case", REFERENCE["labels"], ids=lambda case: f"n={len(case['right'])}")
def test_a_resample_is_measured_like_the_labels_that_it_repeats(case: dict[str, Any]) -> None:
    scores, right = read(case)
    counts = next(draw_resamples(len(right)))[:20]
    quality, errors = rank(scores, right).measure(counts), sort_into_bins(scores, right, 7).measure(counts)
    for index, row in enumerate(counts):
        drawn, outcome = np.repeat(scores, row), np.repeat(right, row)
        once = count_once(len(drawn))
        for found, expected in zip(
            (*quality, *errors),
            (*rank(drawn, outcome).measure(once), *sort_into_bins(drawn, outcome, 7).measure(once)),
            strict=True,
        ):
            assert found[index] == pytest.approx(expected[0], rel=0, abs=TOLERANCE, nan_ok=True)
