"""/v1/confidence/threshold: the threshold above which answers may be accepted."""

from datetime import UTC, datetime
from typing import Any

import numpy as np
import psycopg
import pytest

from core.statistics.scores import Score
from core.statistics.store import LabelRow
from core.statistics.threshold import Threshold, certify
from tests.support.client import Client
from tests.support.labels import post_labelled
from tests.support.posts import post_probs

PATH = "/v1/confidence/threshold"


def get(client: Client, query: str = "") -> dict[str, Any]:
    answer = client.get(PATH + query)
    assert answer.status == 200, answer.data
    return answer.json


def make_labels(n: int, right_from: float) -> list[tuple[float, bool]]:
    """Answers of which the most confident are right."""
    return [((index + 1) / (n + 1), index >= right_from * n) for index in range(n)]


def test_a_threshold_is_certified_and_described(client: Client, sql: psycopg.Connection) -> None:
    post_labelled(client, sql, make_labels(100, right_from=0.6))
    # 40 right answers are followed by wrong ones; of the first 45, 5 are wrong, and of the first 50, 10.
    for score, accepts, threshold in (("sequence_confidence", ">=", 61 / 101), ("perplexity", "<=", 101 / 61)):
        answer = get(client, f"?target_error=0.2&score={score}")
        assert (answer["certified"], answer["coverage"], answer["n"]) == (True, 0.4, 100)
        assert (answer["score"], answer["accepts"]) == (score, accepts)
        assert answer["threshold"] == pytest.approx(threshold)
        assert 0 < answer["bound"] <= 0.2
        accept = f"accept {score} {accepts} {answer['threshold']!r}: 40 % of answers, at most 20 % of them incorrect"
        assert answer["message"] == f"{accept}, with 95 % confidence"
    confidence = get(client, "?target_error=0.2")["threshold"]
    accepted = client.get(f"/logs?limit=100&min_confidence={confidence!r}").json["data"]
    assert len(accepted) == 40, "the filter accepts the same requests"


def test_too_few_labels_report_how_many_are_missing(client: Client, sql: psycopg.Connection) -> None:
    post_labelled(client, sql, [(0.9, True)] * 10)
    answer = get(client)
    nothing: dict[str, Any] = {"threshold": None, "coverage": None, "bound": None, "certified": False}
    assert {name: answer[name] for name in nothing} == nothing
    assert answer["n"] == 10
    assert "59 are needed" in answer["message"]
    assert "49 are missing" in answer["message"]
    assert get(client, "?target_error=0.4")["certified"] is True


def test_wrong_answers_at_the_top_report_what_is_possible(client: Client, sql: psycopg.Connection) -> None:
    post_labelled(client, sql, [((index + 1) / 101, index % 2 == 0) for index in range(100)])
    answer = get(client, "?target_error=0.2")
    assert (answer["certified"], answer["threshold"], answer["coverage"]) == (False, None, None)
    assert answer["bound"] > 0.2
    assert "More labels with this share of incorrect answers can't certify 20 %" in answer["message"]
    possible = float(answer["message"].split("target_error=")[1].split()[0])
    assert get(client, f"?target_error={possible}")["certified"] is True


def test_a_share_of_wrong_answers_below_the_target_reports_how_many_labels_would_do() -> None:
    def certify_some(n: int) -> Threshold:
        now = datetime.now(UTC)
        rows = [LabelRow("m", 20, None, now, correct=index % 6 > 0, scores=[0.9]) for index in range(n)]
        return certify(Score.SEQUENCE_CONFIDENCE, rows, target_error=0.2, confidence=0.95)

    few = certify_some(60)
    assert few.certified is False
    missing = int(few.message.split("About ")[1].split()[0])
    assert 100 < missing < 1000
    assert certify_some(60 + missing * 12 // 10).certified is True
    assert certify_some(60 + missing * 8 // 10).certified is False


def test_a_mixture_of_models_is_mentioned(client: Client, sql: psycopg.Connection) -> None:
    post_labelled(client, sql, [(0.9, True)] * 20, model="a")
    assert "mix" not in get(client, "?target_error=0.3")["message"]
    post_labelled(client, sql, [(0.9, True)], prefix="b", model="b")
    assert "mix 2 models or top-k lengths" in get(client, "?target_error=0.3")["message"]
    assert "mix" not in get(client, "?target_error=0.3&model=a")["message"]


def test_without_labels_nothing_is_certified(client: Client) -> None:
    assert get(client)["message"].startswith("not certified: 0 labeled requests; 59 are needed")


def test_keep_needs_no_outcomes(client: Client) -> None:
    probs = [(index + 1) / 31 for index in range(30)]
    for index, prob in enumerate(probs):
        post_probs(client, f"r{index}", [prob], model="m")
    post_probs(client, "other", [0.5], model="n")
    # The confidence of a group is the mean of -ln p over the list of two.
    confidences = [-(np.log(prob) + np.log(1 - prob)) / 2 for prob in probs]
    for keep in (0.1, 0.9):
        answer = get(client, f"?keep={keep}&model=m")
        assert answer["threshold"] == pytest.approx(np.percentile(confidences, 100 - 100 * keep), abs=1e-9)
        assert (answer["n"], answer["certified"], answer["bound"]) == (30, False, None)
        assert answer["coverage"] == pytest.approx(keep, abs=0.04)
        assert answer["score"] == "lowest_group_confidence"
    assert get(client, "?keep=0.1&model=m&k=2")["n"] == 30
    assert get(client, "?keep=0.1&model=m&k=5")["threshold"] is None
    assert "few" in get(client, "?keep=0.1&model=n")["message"]
    assert get(client, "?keep=0.1&model=nobody")["n"] == 0


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("keep=0.1", "model: missing, but required with keep"),
        ("keep=0.1&model=m&score=perplexity", "score: keep works with lowest_group_confidence only"),
        ("keep=0.1&model=m&target_error=0.1", "target_error: has no effect with keep"),
        ("keep=0.1&model=m&confidence=0.9", "confidence: has no effect with keep"),
        ("keep=0.1&model=m&outcome_source=a", "outcome_source: has no effect with keep"),
        ("keep=0", "keep: "),
        ("keep=1", "keep: "),
        ("target_error=0", "target_error: "),
        ("target_error=1", "target_error: "),
        ("target_error=nan", "target_error: "),
        ("confidence=1", "confidence: "),
        ("confidence=inf", "confidence: "),
        ("score=nothing", "score: "),
        ("bins=3", "bins: unknown parameter"),
    ],
)
def test_invalid_parameters_are_rejected(client: Client, query: str, error: str) -> None:
    answer = client.get(f"{PATH}?{query}")
    assert answer.status == 400
    assert answer.json["error"].removeprefix("query.").startswith(error)
