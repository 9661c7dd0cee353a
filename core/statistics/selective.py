"""Selective answering: how many answers are incorrect if only the most confident ones are accepted."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from core.decisions.bootstrap import Interval, bootstrap
from core.decisions.ranking import Ranking, rank
from core.statistics.labels import Labels, read_labels
from core.statistics.scores import Score
from core.statistics.store import LabelRow
from core.wire.models import Frozen


class Measured(NamedTuple):
    """The measures of a ranking, with intervals."""

    aurc: Interval
    prr: Interval
    auroc: Interval


NOT_DEFINED = Interval(None, None, None)
UNKNOWN = Measured(NOT_DEFINED, NOT_DEFINED, NOT_DEFINED)


class Point(Frozen):
    """The labels that score at least as certain as `threshold`: their share, and the share of incorrect ones."""

    coverage: float
    risk: float
    threshold: float


class Ranked(Frozen):
    """How well a score separates correct answers from incorrect ones, over the n labeled requests that have it."""

    score: Score
    auroc: Interval
    prr: Interval
    n: int


class RiskCoverage(Frozen):
    """The share of incorrect answers by the share of accepted ones.

    Attributes:
        score: the score by which answers are accepted.
        n: number of labeled requests that have it.
        curve: one point per distinct score, from the most to the least certain.
        aurc: area under the curve: the mean risk over all coverages, 0…1. Lower is better.
        prr: prediction rejection ratio: 1 if every incorrect answer is less certain than every correct one, 0 for a
            score that carries no information.
        scores: every score, the one that separates best first.
    """

    score: Score
    n: int
    curve: list[Point]
    aurc: Interval
    prr: Interval
    scores: list[Ranked]


def render_risk(score: Score, rows: Sequence[LabelRow]) -> bytes:
    """Return `measure_risk` as JSON."""
    return measure_risk(score, rows).model_dump_json().encode()


def measure_risk(score: Score, rows: Sequence[LabelRow]) -> RiskCoverage:
    """Compute the curve of one score, and compare all scores. The rows have the scores in the order of `Score`."""
    labels = {one: read_labels(rows, one, index) for index, one in enumerate(Score)}
    rankings = {one: rank(found.certainty, found.right) for one, found in labels.items() if len(found.drop_missing())}
    measured = _measure(len(rows), rankings)
    found = measured.get(score, UNKNOWN)
    ranked = [
        Ranked(score=one, auroc=quality.auroc, prr=quality.prr, n=len(labels[one].drop_missing()))
        for one in Score
        for quality in [measured.get(one, UNKNOWN)]
    ]
    return RiskCoverage(
        score=score,
        n=len(labels[score].drop_missing()),
        curve=_draw(labels[score], rankings[score]) if score in rankings else [],
        aurc=found.aurc,
        prr=found.prr,
        scores=sorted(ranked, key=lambda one: one.auroc.value or 0, reverse=True),
    )


def _measure(n: int, rankings: dict[Score, Ranking]) -> dict[Score, Measured]:
    """Measure every ranking with the same resamples of n requests."""
    if not rankings:
        return {}
    intervals = bootstrap(n, lambda counts: np.concatenate([one.measure(counts) for one in rankings.values()]))
    return {one: Measured(*intervals[3 * index : 3 * index + 3]) for index, one in enumerate(rankings)}


def _draw(labels: Labels, ranking: Ranking) -> list[Point]:
    last, coverage, risk = ranking.draw_curve()
    points = zip(coverage.tolist(), risk.tolist(), labels.values[last].tolist(), strict=True)
    return [Point(coverage=one, risk=wrong, threshold=threshold) for one, wrong, threshold in points]
