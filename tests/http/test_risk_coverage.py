"""/v1/confidence/risk-coverage: how many answers are wrong if only the most confident are accepted."""

from typing import Any

import psycopg
import pytest

from core.statistics.scores import Score
from tests.support.client import Client
from tests.support.labels import post_labelled
from tests.support.posts import judge

PATH = "/v1/confidence/risk-coverage"


def get(client: Client, query: str = "") -> dict[str, Any]:
    answer = client.get(PATH + query)
    assert answer.status == 200, answer.data
    return answer.json


def test_the_curve_has_one_point_per_distinct_score(client: Client, sql: psycopg.Connection) -> None:
    post_labelled(client, sql, [(0.9, True), (0.8, False), (0.8, True), (0.5, False)])
    answer = get(client)
    assert [(one["coverage"], one["risk"]) for one in answer["curve"]] == [(0.25, 0), (0.75, 1 / 3), (1, 0.5)]
    assert [one["threshold"] for one in answer["curve"]] == [pytest.approx(one) for one in (0.9, 0.8, 0.5)]
    # Positions 1 to 4 of the ranking: no error, then half an error each, then one.
    assert answer["aurc"]["value"] == pytest.approx((0 + 1 / 4 + 1 / 3 + 2 / 4) / 4)
    assert (answer["score"], answer["n"]) == ("sequence_confidence", 4)


def test_the_thresholds_are_in_the_unit_of_the_score(client: Client, sql: psycopg.Connection) -> None:
    post_labelled(client, sql, [(0.9, True), (0.5, False)])
    curve = get(client, "?score=perplexity")["curve"]
    assert [one["threshold"] for one in curve] == [pytest.approx(1 / 0.9), pytest.approx(2)]
    assert [one["risk"] for one in curve] == [0, 0.5]


def test_intervals_contain_the_value_and_are_the_same_each_time(client: Client, sql: psycopg.Connection) -> None:
    post_labelled(client, sql, [((index + 1) / 61, index % 3 > 0 or index > 40) for index in range(60)])
    answer = get(client)
    for one in (answer["aurc"], answer["prr"], answer["scores"][0]["auroc"]):
        assert one["lo"] < one["value"] < one["hi"]
    assert get(client) == answer


def test_all_scores_are_ranked_the_best_first(client: Client, sql: psycopg.Connection) -> None:
    post_labelled(client, sql, [((index + 1) / 61, index % 3 > 0 or index > 40) for index in range(60)])
    scores = get(client)["scores"]
    assert {one["score"] for one in scores} == {score.value for score in Score}
    assert (scores[-1]["score"], scores.pop()["n"]) == ("p_correct", 0)  # there is no calibrator
    values = [one["auroc"]["value"] for one in scores]
    assert values == sorted(values, reverse=True)
    by_name = {one["score"]: one for one in scores}
    confidence, perplexity = (by_name[name] for name in ("sequence_confidence", "perplexity"))
    assert (confidence["auroc"], confidence["prr"]) == (perplexity["auroc"], perplexity["prr"])
    assert {one["n"] for one in scores} == {60}


def test_requests_without_a_score_are_left_out_of_its_ranking(client: Client, sql: psycopg.Connection) -> None:
    post_labelled(client, sql, [(0.9, True), (0.5, False)])
    client.ingest({"request": {"request_id": "unscored"}})
    judge(client, "unscored", correct=True)
    answer = get(client)
    assert (answer["n"], len(answer["curve"])) == (2, 2)
    assert {one["n"] for one in answer["scores"]} == {0, 2}


@pytest.mark.parametrize(
    ("labels", "n", "aurc"), [([], 0, None), ([(0.5, True), (0.6, True)], 2, 0), ([(0.5, False)], 1, 1)]
)
def test_measures_that_are_not_defined_are_null(
    client: Client, sql: psycopg.Connection, labels: list[tuple[float, bool]], n: int, aurc: float | None
) -> None:
    if labels:
        post_labelled(client, sql, labels)
    answer = get(client)
    nothing: dict[str, float | None] = {"value": None, "lo": None, "hi": None}
    assert (answer["n"], answer["aurc"]["value"], answer["prr"]) == (n, aurc, nothing)
    assert [one["auroc"] for one in answer["scores"]] == [nothing] * len(Score)


def test_filters_select_the_labels(client: Client, sql: psycopg.Connection) -> None:
    post_labelled(client, sql, [(0.9, True), (0.5, False)], model="a")
    post_labelled(client, sql, [(0.7, True)], prefix="other", model="b")
    assert {query: get(client, query)["n"] for query in ("", "?model=a", "?k=2", "?k=9", "?outcome_source=x")} == {
        "": 3,
        "?model=a": 2,
        "?k=2": 3,
        "?k=9": 0,
        "?outcome_source=x": 0,
    }


@pytest.mark.parametrize("query", ["score=nothing", "k=0", "keep=0.1", "outcome_source=%00", "score="])
def test_invalid_parameters_are_rejected(client: Client, query: str) -> None:
    assert client.get(f"{PATH}?{query}").status == (200 if query == "score=" else 400)
