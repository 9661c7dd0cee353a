"""Fit a calibrator to labeled scores, and apply it. Pure functions. In the database, `probability_of` applies it.

Both methods give the numbers of scikit-learn 1.9, which would add 40 MB to each container as a dependency.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from core.statistics.scores import Score

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

LARGE = 30.0
"""Scores are scaled by the largest one if it reaches this, as scikit-learn does."""
MIN_SLOPE = 1e-100
"""A slope below this is 0. The product of two tiny numbers would be an error in Postgres."""


class Method(StrEnum):
    """The shape of a calibrator.

    ISOTONIC: a monotone step function, linear between the steps and constant outside of the labeled scores. PLATT: a
    sigmoid of the score.
    """

    ISOTONIC = "isotonic"
    PLATT = "platt"


@dataclass(frozen=True, slots=True)
class Isotonic:
    """A monotone function: linear between the knots, constant outside. Source: sklearn.isotonic.IsotonicRegression.

    Attributes:
        knots: scores, ascending.
        probabilities: the probability at each knot.
    """

    knots: Floats
    probabilities: Floats

    def apply(self, scores: Floats) -> Floats:
        """Return the probability of each score."""
        return np.interp(scores, self.knots, self.probabilities)


@dataclass(frozen=True, slots=True)
class Platt:
    """The function 1 / (1 + exp(slope · score + intercept)). Source: sklearn.calibration._SigmoidCalibration."""

    slope: float
    intercept: float

    def apply(self, scores: Floats) -> Floats:
        """Return the probability of each score."""
        from scipy.special import expit  # noqa: PLC0415 - scipy takes a second to import; only a fit needs it

        return expit(-(self.slope * scores + self.intercept))


Curve = Isotonic | Platt


def fit(method: Method, score: Score, scores: Floats, correct: Flags) -> Curve:
    """Fit a calibrator to scores and whether the answers were correct. Both have at least one value."""
    if method is Method.PLATT:
        return fit_platt(scores, correct)
    return fit_isotonic(scores, correct, increasing=not score.higher_is_less_certain)


def fit_isotonic(scores: Floats, correct: Flags, *, increasing: bool) -> Isotonic:
    """Fit by least squares under the constraint that probabilities increase, or decrease, with the score.

    Equal scores count as one, with their mean. Source: IsotonicRegression(increasing=…, out_of_bounds="clip").
    """
    from scipy.optimize import isotonic_regression  # noqa: PLC0415 - as above

    order = np.argsort(scores, kind="stable")
    ascending, right = scores[order], correct[order].astype(np.float64)
    starts = _find_starts(ascending)
    weights = np.diff(np.append(starts, len(ascending))).astype(np.float64)
    means = np.add.reduceat(right, starts) / weights
    fitted = isotonic_regression(means, weights=weights, increasing=increasing).x
    # Points within a level add nothing.
    kept = np.ones(len(fitted), np.bool_)
    kept[1:-1] = (fitted[1:-1] != fitted[:-2]) | (fitted[1:-1] != fitted[2:])
    return Isotonic(ascending[starts][kept], fitted[kept])


def _find_starts(ascending: Floats) -> NDArray[np.int64]:
    """Return where each run of equal scores starts. Scores closer than 1e-15 are equal, as in scikit-learn."""
    tolerance = np.finfo(np.float64).resolution
    starts, current = [0], ascending[0]
    for position, value in enumerate(ascending.tolist()):
        if value - current >= tolerance:
            starts.append(position)
            current = value
    return np.array(starts, np.int64)


def fit_platt(scores: Floats, correct: Flags) -> Platt:
    """Fit a sigmoid by maximum likelihood with Platt's smoothed targets. Source: Platt (1999), section 2.2."""
    from scipy.optimize import minimize  # noqa: PLC0415 - as above
    from scipy.special import expit  # noqa: PLC0415 - as above

    largest = float(np.max(np.abs(scores)))
    scale = largest if largest >= LARGE else 1.0
    scaled, positives = scores / scale, int(correct.sum())
    negatives = len(correct) - positives
    targets = np.where(correct, (positives + 1.0) / (positives + 2.0), 1.0 / (negatives + 2.0))

    def measure_loss(parameters: Floats) -> tuple[float, Floats]:
        logits = -(parameters[0] * scaled + parameters[1])
        gradient = expit(logits) - targets
        loss = float((np.logaddexp(0.0, logits) - targets * logits).sum())
        return loss, np.array([-gradient @ scaled, -gradient.sum()])

    start = np.array([0.0, np.log((negatives + 1.0) / (positives + 1.0))])
    options = {"gtol": 1e-6, "ftol": 64 * np.finfo(np.float64).eps}
    slope, intercept = minimize(measure_loss, start, method="L-BFGS-B", jac=True, options=options).x.tolist()
    return Platt(slope / scale if abs(slope / scale) >= MIN_SLOPE else 0.0, intercept)
