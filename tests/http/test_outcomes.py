"""Outcomes, and the quality of the scores measured with them."""

import math
from typing import Any

import psycopg
import pytest

from tests.support.client import Client
from tests.support.documents import make_document
from tests.support.posts import judge, post_probs


def label(client: Client, count: int) -> list[tuple[float, bool]]:
    """Post requests of rising confidence; most of the upper half are correct."""
    labels = []
    for index in range(count):
        prob, correct = (index + 1) / (count + 1), index % 3 > 0 if index > count / 2 else index % 4 == 0
        post_probs(client, f"r{index}", [prob], created_at=index)
        assert judge(client, f"r{index}", correct=correct, source="test").status == 200
        labels.append((prob, correct))
    return labels


def test_the_latest_verdict_of_each_source_counts(client: Client) -> None:
    client.ingest(make_document())
    answer = judge(client, "r1", correct=True)
    assert answer.status == 200
    assert (answer.json["source"], answer.json["correct"], answer.json["request_id"]) == ("user", True, "r1")
    judge(client, "r1", correct=False, source="suite", note="off by one")
    judge(client, "r1", correct=False)
    listed = client.get("/logs/r1/outcome").json["outcomes"]
    assert [(one["source"], one["correct"], one["note"]) for one in listed] == [
        ("suite", False, "off by one"),
        ("user", False, None),
    ]


def test_a_verdict_can_be_withdrawn(client: Client) -> None:
    client.ingest(make_document())
    judge(client, "r1", correct=True)
    assert "withdrawn" in judge(client, "r1", correct=None).json["message"]
    assert client.get("/v1/confidence/calibration").json["n"] == 0


def test_a_verdict_survives_a_replaced_trace(client: Client) -> None:
    client.ingest(make_document())
    judge(client, "r1", correct=True)
    client.ingest(make_document())
    assert len(client.get("/logs/r1/outcome").json["outcomes"]) == 1


@pytest.mark.parametrize(
    "verdict", [{}, {"correct": "yes"}, {"correct": 1}, {"correct": True, "source": " "}, {"correct": True, "note": 5}]
)
def test_an_invalid_verdict_is_rejected(client: Client, verdict: dict[str, Any]) -> None:
    client.ingest(make_document())
    answer = judge(client, "r1", **verdict)
    assert answer.status == 400
    assert client.get("/logs/r1/outcome").json["outcomes"] == []


def test_outcomes_of_unknown_requests_are_not_found_and_require_a_key(client: Client) -> None:
    assert judge(client, "nobody", correct=True).status == 404
    assert client.get("/logs/nobody/outcome").status == 404
    assert client.post_bytes("/logs/r1/outcome", b'{"correct": true}').status == 401


def test_characters_that_postgres_cannot_store_are_replaced(client: Client) -> None:
    client.ingest(make_document())
    assert judge(client, "r1", correct=True, source="a\0b", note="c\0d").json["note"] == "c�d"


def test_calibration_requires_a_hundred_labels(client: Client) -> None:
    label(client, 5)
    answer = client.get("/v1/confidence/calibration").json
    assert (answer["n"], answer["enough"]) == (5, False)
    assert "100" in answer["message"]
    assert {answer[name] for name in ("ece", "mce", "brier", "auroc", "bins")} == {None}


def test_calibration_equals_the_textbook_formulas_and_lies_in_its_intervals(client: Client) -> None:
    labels = label(client, 120)
    answer = client.get("/v1/confidence/calibration?bins=10&outcome_source=test").json
    assert (answer["n"], answer["enough"], len(answer["bins"])) == (120, True, 10)
    assert answer["brier"] == pytest.approx(sum((p - c) ** 2 for p, c in labels) / 120)
    gaps = []
    for one in answer["bins"]:
        inside = [(p, c) for p, c in labels if one["lo"] < p <= one["hi"] or p == one["lo"] == 0]
        assert one["n"] == len(inside)
        assert one["accuracy"] == pytest.approx(sum(c for _, c in inside) / len(inside))
        gaps.append((len(inside), abs(one["accuracy"] - one["mean_confidence"])))
    assert answer["ece"] == pytest.approx(math.fsum(n * gap for n, gap in gaps) / 120)
    assert answer["mce"] == pytest.approx(max(gap for _, gap in gaps))
    right, wrong = [p for p, c in labels if c], [p for p, c in labels if not c]
    wins = sum((r > w) + (r == w) / 2 for r in right for w in wrong)
    assert answer["auroc"] == pytest.approx(wins / (len(right) * len(wrong)))
    doubt = client.get("/v1/confidence/calibration?score=perplexity").json
    assert doubt["auroc"] == pytest.approx(answer["auroc"])
    assert doubt["ece"] is doubt["bins"] is None
    for name, one in answer["intervals"].items():
        assert one["value"] == answer[name]
        assert one["lo"] < one["value"] < one["hi"] or name in ("ece", "mce")
    intervals = doubt["intervals"]
    assert intervals["ece"] is intervals["mce"] is intervals["brier"] is None
    assert intervals["auroc"] == answer["intervals"]["auroc"]
    assert client.get("/v1/confidence/calibration?bins=10&outcome_source=test").json == answer
    assert client.get("/v1/confidence/calibration?from=60").json["n"] == 60
    assert client.get("/v1/confidence/calibration?outcome_source=nobody").json["n"] == 0


def test_statistics_of_outcomes_take_every_filter_of_the_feed(client: Client) -> None:
    label(client, 4)
    counts = {
        "source=quote": 4,
        "source=openai": 0,
        "k=2": 4,
        "k=1": 0,
        "tag=none": 0,
        "min_confidence=0.5": 2,
        "from=1&to=3": 2,
    }
    assert {one: client.get(f"/v1/confidence/calibration?{one}").json["n"] for one in counts} == counts


JUDGE_ALL = "insert into outcomes (request_pk, source, correct) select id, %s, {} from requests"


def test_if_sources_disagree_the_latest_outcome_counts(client: Client, sql: psycopg.Connection) -> None:
    for index in range(100):
        post_probs(client, f"r{index}", [(index + 1) / 101])
    for source, operator in (("a", ">"), ("b", "<")):
        sql.execute(JUDGE_ALL.format(f"sequence_confidence {operator} 0.5").encode(), [source])

    def measure(query: str = "") -> float:
        return client.get(f"/v1/confidence/calibration{query}").json["auroc"]

    assert (measure(), measure("?outcome_source=a"), measure("?outcome_source=b")) == (0, 1, 0)
    sql.execute("update outcomes set recorded_at = now() + interval '1 s' where source = 'a'")
    assert measure() == 1
    sql.execute("update outcomes set correct = null where source = 'a'")
    assert measure() == 0  # a withdrawn outcome no longer counts, however late


def test_one_request_of_each_group_counts_the_first(client: Client, sql: psycopg.Connection) -> None:
    for index in range(103):
        group = {} if index < 99 else {"group_id": f"g{index % 2}"}
        post_probs(client, f"r{index}", [(index + 1) / 104], created_at=index, **group)
    sql.execute(JUDGE_ALL.format("mod(id, 2) = 0").encode(), ["user"])
    answer = client.get("/v1/confidence/calibration?bins=1").json
    assert answer["n"] == 101
    assert answer["bins"][0]["mean_confidence"] == pytest.approx(sum(range(1, 102)) / 104 / 101)
    # Of the requests that match, not of all that were posted.
    assert client.get("/v1/confidence/calibration?from=101").json["n"] == 2
    assert client.get("/v1/confidence/calibration?group_id=g1").json["n"] == 1


def test_a_group_counts_once_even_if_its_requests_belong_to_several_users(client: Client) -> None:
    for user in ("key-of-ann", "key-of-ben", None):
        post_probs(client, f"r-{user}", [0.5], group_id="g", user_api_key=user)
        judge(client, f"r-{user}", correct=True)
    assert client.get("/v1/confidence/calibration").json["n"] == 1
    assert client.request("GET", "/v1/confidence/calibration", x_api_key="key-of-ben").json["n"] == 1
