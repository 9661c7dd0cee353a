"""Choose the labels that a calibrator is fitted to, and fit it. Pure functions."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from core.calibrators.fit import Curve, Method, fit
from core.calibrators.quality import Quality, cross_validate
from core.errors import ThunderError
from core.statistics.calibration import ENOUGH
from core.statistics.labels import count_labelled
from core.statistics.scores import Score
from core.statistics.store import LabelRow

MAX_NAMED = 10
"""Maximum number of choices that a message lists."""


class LabelsError(ThunderError):
    """A calibrator can't be fitted to the labeled requests."""

    status = 409


@dataclass(frozen=True, slots=True)
class Domain:
    """The requests that a calibrator applies to. Scores of others have another meaning."""

    model: str
    k: int
    logprobs_mode: str | None

    def describe(self) -> str:
        """Return the fields that select this domain."""
        mode = "null" if self.logprobs_mode is None else repr(self.logprobs_mode)
        return f"model {self.model!r}, k {self.k}, logprobs_mode {mode}"


@dataclass(frozen=True, slots=True)
class Fitted:
    """A fitted calibrator.

    Attributes:
        n: number of labels.
        correct: number of correct answers among them.
        start: when the earliest of the labeled requests began.
        finish: when the latest one began.
    """

    domain: Domain
    score: Score
    method: Method
    curve: Curve
    n: int
    correct: int
    start: datetime
    finish: datetime
    quality: Quality


def fit_labels(rows: Sequence[LabelRow], score: Score, method: Method) -> Fitted:
    """Fit a calibrator to labeled requests, each with this score only.

    Raises:
        LabelsError: there are too few requests, all answers are correct or all are incorrect, or the requests have
            several models, lengths of top-k lists or logprobs modes.
    """
    labels = [(row, value) for row in rows for value in row.scores if value is not None and row.model and row.k]
    correct = np.array([row.correct for row, _ in labels], np.bool_)
    _require_enough(len(labels), int(correct.sum()), score)
    domain = _find_domain([row for row, _ in labels])
    scores, times = np.array([value for _, value in labels], np.float64), [row.created_at for row, _ in labels]
    return Fitted(
        domain,
        score,
        method,
        fit(method, score, scores, correct),
        len(labels),
        int(correct.sum()),
        min(times),
        max(times),
        cross_validate(method, score, scores, correct),
    )


def fit_labels_apart(method: bytes, rows: Sequence[LabelRow], score: Score) -> Fitted:
    """Fit a calibrator as `fit_labels` does. For a separate process, whose jobs take bytes first."""
    return fit_labels(rows, score, Method(method.decode()))


def select_mode(rows: Sequence[LabelRow], logprobs_mode: str | None) -> list[LabelRow]:
    """Return the rows with a logprobs mode; None selects those that declare none."""
    return [row for row in rows if row.logprobs_mode == logprobs_mode]


def _find_domain(rows: Sequence[LabelRow]) -> Domain:
    found = Counter(Domain(row.model or "", row.k or 0, row.logprobs_mode) for row in rows)
    if len(found) > 1:
        named = "; ".join(f"{domain.describe()} ({count})" for domain, count in found.most_common(MAX_NAMED))
        raise LabelsError(
            f"model: the labeled requests differ; send the model, k and logprobs_mode of one of these: {named}"
        )
    return next(iter(found))


def _require_enough(n: int, correct: int, score: Score) -> None:
    if n < ENOUGH:
        raise LabelsError(
            f"score: {count_labelled(n)} {'has' if n == 1 else 'have'} a model, top-k lists and {score.value}; "
            f"record outcomes of {ENOUGH - n} more, because {ENOUGH} are needed"
        )
    if correct in (0, n):
        wrong, other = ("incorrect", "correct") if correct == 0 else ("correct", "incorrect")
        raise LabelsError(f"score: all {n} labeled requests are {wrong}; record outcomes of {other} answers as well")
