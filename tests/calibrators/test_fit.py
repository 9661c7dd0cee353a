"""The fit of calibrators against scikit-learn, and the errors that docs/CONFIDENCE.md states."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.calibration import _SigmoidCalibration
from sklearn.isotonic import IsotonicRegression

from core.calibrators.choice import Fitted, fit_labels
from core.calibrators.fit import Method, fit_isotonic, fit_platt
from core.calibrators.quality import FOLDS, assign_folds, predict_held_out
from core.decisions.bootstrap import Interval
from core.statistics.scores import Score
from tests.support.environment import ROOT
from tests.support.labelled import list_rows, load_independent

# Few distinct values, so that there are ties; some are closer than the tolerance of scikit-learn.
SCORES = st.sampled_from([0.0, 1e-16, 0.1, 0.1 + 1e-16, 0.1 + 2e-15, 0.25, 0.5, 0.75, 1.0, 3.5, 29.9, 30.0, 4000.0])
LABELS = st.lists(st.tuples(SCORES, st.booleans()), min_size=2, max_size=60)


def split(labels: list[tuple[float, bool]]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([score for score, _ in labels]), np.array([right for _, right in labels])


@settings(deadline=None)  # the first example imports scipy
@given(LABELS, st.booleans())
def test_isotonic_equals_scikit_learn(labels: list[tuple[float, bool]], increasing: bool) -> None:  # noqa: FBT001
    scores, right = split(labels)
    reference = IsotonicRegression(increasing=increasing, out_of_bounds="clip").fit(scores, right.astype(float))
    asked = np.concatenate([scores, np.linspace(-1, 4001, 50), np.linspace(0, 1, 50)])
    fitted = fit_isotonic(scores, right, increasing=increasing)
    np.testing.assert_allclose(fitted.apply(asked), reference.predict(asked), rtol=0, atol=1e-9)
    assert (np.diff(fitted.knots) > 0).all()


@settings(deadline=None)  # the first example imports scipy
@given(LABELS)
def test_platt_equals_scikit_learn(labels: list[tuple[float, bool]]) -> None:
    scores, right = split(labels)
    reference = _SigmoidCalibration().fit(scores, right.astype(float))
    asked = np.concatenate([scores, np.linspace(-1, 4001, 50)])
    np.testing.assert_allclose(fit_platt(scores, right).apply(asked), reference.predict(asked), rtol=0, atol=1e-6)


def test_no_label_is_predicted_by_a_fit_to_itself() -> None:
    right = np.arange(100) % 4 == 0
    folds = assign_folds(right)
    assert np.bincount(folds).tolist() == [10] * FOLDS
    assert set(np.bincount(folds[right], minlength=FOLDS)) <= {2, 3}
    # Each score is unique and its label is random: an isotonic fit is better on its own labels.
    generator = np.random.default_rng(1)
    scores, right = generator.random(400), generator.random(400) < 0.5
    own = fit_isotonic(scores, right, increasing=True).apply(scores)
    held_out = predict_held_out(Method.ISOTONIC, Score.SEQUENCE_CONFIDENCE, scores, right)
    assert ((own - right) ** 2).mean() < 0.25 < ((held_out - right) ** 2).mean()


def fit_labelled(score: Score, method: Method) -> Fitted:
    return fit_labels(list_rows(load_independent(), [score]), score, method)


def show(interval: Interval | None) -> str:
    return "-" if interval is None else f"{interval.value:.3f} ({interval.lo:.3f} to {interval.hi:.3f})"


@pytest.mark.parametrize("score", [Score.SEQUENCE_CONFIDENCE, Score.MEAN_TOKEN_ENTROPY])
@pytest.mark.parametrize("method", Method)
def test_the_documented_errors_are_those_of_the_labelled_set(score: Score, method: Method) -> None:
    text = (ROOT / "docs" / "CONFIDENCE.md").read_text(encoding="utf-8")
    (row,) = re.findall(rf"^\| `{score.value}` \| `{method.value}` \|.*$", text, re.MULTILINE)
    fitted = fit_labelled(score, method)
    ece, brier = fitted.quality.ece, fitted.quality.brier
    cells = [show(one) for one in (ece.before, ece.after, brier.before, brier.after)]
    assert row == f"| `{score.value}` | `{method.value}` | " + " | ".join(cells) + " |"
