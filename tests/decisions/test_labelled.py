"""What can be decided on the labeled answers, as docs/CONFIDENCE.md states it."""

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from core.decisions.bootstrap import Interval, count_once
from core.decisions.ranking import rank
from core.decisions.threshold import STEPS, bound_error, search_threshold
from core.statistics.calibration import calibrate
from core.statistics.scores import Score
from core.statistics.selective import measure_risk
from core.statistics.threshold import certify
from tests.support.environment import ROOT
from tests.support.labelled import STORED_SCORES, Labelled, list_rows, load_independent, load_labelled, load_singles

CONFIDENCE = 0.95
CONFIDENCE_PAGE = (ROOT / "docs" / "CONFIDENCE.md").read_text(encoding="utf-8")


def read(answers: Sequence[Labelled], score: Score) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    sign = -1 if score.higher_is_less_certain else 1
    return np.array([sign * getattr(one.scores, score) for one in answers]), np.array([one.correct for one in answers])


def test_the_set_has_the_documented_size() -> None:
    answers = load_labelled()
    assert (len(answers), sum(one.correct for one in answers), len({one.task for one in answers})) == (1375, 561, 15)
    groups = Counter(one.group_id for one in answers if one.group_id)
    assert (len(load_singles()), len(groups), set(groups.values())) == (1000, 75, {5})
    assert len(load_independent()) == 1075


@pytest.mark.parametrize("score", STORED_SCORES)
def test_no_score_is_certified_for_20_percent_on_the_singles(score: Score) -> None:
    found = search_threshold(*read(load_singles(), score), target_error=0.2, confidence=CONFIDENCE)
    assert found.certified is None


@pytest.mark.parametrize("score", STORED_SCORES)
def test_only_the_mean_entropy_is_certified_for_30_percent_on_the_singles(score: Score) -> None:
    found = search_threshold(*read(load_singles(), score), target_error=0.3, confidence=CONFIDENCE)
    # The negentropy is the entropy on another scale.
    if score in (Score.MEAN_TOKEN_ENTROPY, Score.MEAN_TOKEN_NEGENTROPY):
        assert found.certified is not None
        assert (found.certified.n, found.certified.wrong) == (50, 9)
    else:
        assert found.certified is None


def test_any_cut_that_passes_pointwise_would_wrongly_certify_the_geometric_mean() -> None:
    certainty, right = read(load_singles(), Score.SEQUENCE_CONFIDENCE)
    accepted = np.arange(1, STEPS + 1) * len(right) // STEPS
    wrong = np.cumsum(~right[np.argsort(-certainty, kind="stable")], dtype=np.int64)[accepted - 1]
    passing = accepted[bound_error(wrong, accepted, CONFIDENCE) <= 0.3]
    assert passing.tolist() == [150, 200]  # 15 % and 20 %, after the first 5 % and 10 % failed
    found = search_threshold(certainty, right, target_error=0.3, confidence=CONFIDENCE)
    assert found.certified is None


def measure_within_tasks(score: Score) -> float:
    """Return the AUROC over the pairs of a right and a wrong answer to the same kind of question."""
    wins = pairs = 0.0
    for task in {one.task for one in load_labelled()}:
        certainty, right = read([one for one in load_independent() if one.task == task], score)
        n = right.sum() * (~right).sum()
        wins, pairs = wins + n * rank(certainty, right).measure(count_once(len(right))).auroc[0], pairs + n
    return wins / pairs


def write_interval(one: Interval | None) -> str:
    return "-" if one is None else f"{one.value:.3f} ({one.lo:.3f}\N{EN DASH}{one.hi:.3f})"


def test_the_documentation_prints_the_quality_of_the_scores() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.+) \| (.+) \| (.+) \| (\d\.\d{3}) \|$", CONFIDENCE_PAGE, re.MULTILINE)
    printed = {name: tuple(cells) for name, *cells in rows}
    ranked = measure_risk(Score.SEQUENCE_CONFIDENCE, list_rows(load_independent())).scores
    measured = {
        one.score.value: (
            write_interval(one.auroc),
            write_interval(one.prr),
            write_interval(measure_ece(one.score)),
            f"{measure_within_tasks(one.score):.3f}",
        )
        for one in ranked
        if one.n
    }
    assert printed == measured


def measure_ece(score: Score) -> Interval | None:
    intervals = calibrate(score, list_rows(load_independent(), [score])).intervals
    assert intervals is not None
    return intervals.ece


def test_the_documentation_prints_what_can_be_certified() -> None:
    cell = r"\| ((?:no, )?[0-9.]+ %) "
    rows = re.findall(rf"^\| `(\w+)` {cell * 4}\|$", CONFIDENCE_PAGE, re.MULTILINE)
    assert {name for name, *_ in rows} == set(STORED_SCORES)
    for name, *printed in rows:
        labels = list_rows(load_independent(), [Score(name)])
        for target, text in zip((0.2, 0.3, 0.4, 0.5), printed, strict=True):
            found = certify(Score(name), labels, target_error=target, confidence=CONFIDENCE)
            share = found.coverage if found.certified else found.bound
            assert share is not None
            assert text == ("" if found.certified else "no, ") + f"{100 * share:.1f} %"
