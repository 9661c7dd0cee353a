"""Calibrators: from labeled requests to p_correct."""

import itertools
import json
from typing import Any

import numpy as np
import psycopg
import pytest
from sklearn.calibration import _SigmoidCalibration
from sklearn.isotonic import IsotonicRegression

from core.calibrators.fit import Method
from tests.support.calibrators import LABELS, fit, fit_well, post_new, refer
from tests.support.client import Client
from tests.support.labels import MODEL, draw_labels, make_answer, post_labelled

PROBES = [0.01, 0.05, 0.123, 0.3, 0.5, 0.501, 0.77, 0.9, 0.99]


def test_new_requests_carry_the_probability_of_the_reference(client: Client, sql: psycopg.Connection) -> None:
    post_labelled(client, sql, LABELS)
    for score in ("sequence_confidence", "perplexity", "mean_token_entropy", "lowest_group_confidence"):
        rows = sql.execute(f"select {score}, request_id from requests where request_id like 'l%'".encode()).fetchall()
        values = np.array([value for value, _ in rows])
        correct = np.array([LABELS[int(name[1:])][1] for _, name in rows], float)
        increasing = score in {"sequence_confidence", "lowest_group_confidence"}
        isotonic = IsotonicRegression(increasing=increasing, out_of_bounds="clip")
        for method, reference, tolerance in (("isotonic", isotonic, 1e-9), ("platt", _SigmoidCalibration(), 1e-6)):
            reference.fit(values, correct)
            calibrator = fit_well(client, method=method, score=score)
            for index, prob in enumerate(PROBES):
                receipt = post_new(client, f"probe{index}", prob)
                statement = f"select {score} from requests where request_id = %s".encode()
                ((value,),) = sql.execute(statement, [f"probe{index}"])
                assert receipt["p_correct"] == pytest.approx(float(reference.predict([value])[0]), abs=tolerance)
                assert receipt["calibrator"] == refer(calibrator)


def test_every_view_of_a_request_has_its_probability(client: Client, sql: psycopg.Connection) -> None:
    post_labelled(client, sql, LABELS)
    calibrator = fit_well(client)
    receipt = post_new(client, "new", 0.61)
    (listed,) = [row for row in client.get("/logs").json["data"] if row["request_id"] == "new"]
    scored = client.post_bytes("/v1/score", json.dumps(make_answer("x", 0.61)).encode(), x_api_key=client.key).json
    for view in (receipt, listed, client.log("new"), client.get("/v1/confidence/new").json, scored):
        assert (view["p_correct"], view["calibrator"]) == (receipt["p_correct"], refer(calibrator))
    assert 0 < receipt["p_correct"] < 1
    old = client.log("l0")
    assert (old["p_correct"], old["calibrator"]) == (None, None)


def test_a_calibrator_reports_its_labels_and_held_out_errors(client: Client, sql: psycopg.Connection) -> None:
    post_labelled(client, sql, LABELS, created_at=1_700_000_000)
    post_labelled(client, sql, [(0.5, True)], prefix="m", created_at=1_700_000_100)
    made = fit_well(client)
    assert (made["n"], made["correct"]) == (151, 1 + sum(right for _, right in LABELS))
    assert made["period"] == {"from": "2023-11-14T22:13:20Z", "to": "2023-11-14T22:15:00Z"}
    assert (made["active"], made["version"], made["model"], made["k"]) == (True, 1, MODEL, 2)
    assert (made["logprobs_mode"], made["user_api_key"], made["for_users"]) == ("raw_logprobs", None, True)
    assert made["brier"]["after"]["value"] < made["brier"]["before"]["value"]
    for error in (made["ece"]["before"], made["ece"]["after"], made["brier"]["before"], made["brier"]["after"]):
        assert 0 <= error["lo"] <= error["value"] <= error["hi"] <= 1
    again = fit_well(client)
    assert (again["version"], again["ece"], again["brier"]) == (2, made["ece"], made["brier"])
    unlike = fit_well(client, score="perplexity")
    assert unlike["ece"]["before"] is unlike["brier"]["before"] is None
    listed = client.get("/v1/calibrators").json
    assert [one["version"] for one in listed["calibrators"]] == [3, 2, 1]
    assert [one["active"] for one in listed["calibrators"]] == [True, False, False]
    assert (listed["total"], listed["calibrators"][0]) == (3, unlike)


def test_few_or_equal_labels_are_refused_with_a_remedy(client: Client, sql: psycopg.Connection) -> None:
    post_labelled(client, sql, LABELS[:99])
    answer = fit(client)
    assert answer.status == 409
    sentence = "score: 99 labeled requests have a model, top-k lists and sequence_confidence; record"
    assert answer.json["error"].startswith(sentence)
    assert "1 more" in answer.json["error"]
    post_labelled(client, sql, LABELS[99:100], prefix="m")
    assert fit(client).status == 201
    sql.execute("update outcomes set correct = true")
    answer = fit(client)
    assert (answer.status, "all 100 labeled requests are correct" in answer.json["error"]) == (409, True)
    assert fit(client, outcome_source="nobody").status == 409
    assert client.get("/v1/calibrators").json["total"] == 1


def test_only_one_request_of_a_group_counts(client: Client, sql: psycopg.Connection) -> None:
    post_labelled(client, sql, LABELS[:99])
    post_labelled(client, sql, LABELS[99:102], prefix="g", group_id="one")
    assert fit_well(client)["n"] == 100


INVALID: list[dict[str, Any]] = [
    *({"score": "luck"}, {"method": "magic"}, {"modell": "x"}, {"k": 0}, {"k": "2"}, {"from": "then"}, {"from": True}),
    *({"from": 1.7e12}, {"for_users": "true"}, {"min_confidence": "0.5"}),
]


def test_an_invalid_fit_is_refused(client: Client) -> None:
    for fields in INVALID:
        assert fit(client, **fields).status == 400, fields
    valid = {"from": 0, "to": "2026-01-01T00:00:00Z", "k": None, "min_confidence": 0}
    assert fit(client, **valid).status == 409, "there are no labels"


def test_extreme_scores_are_calibrated_without_an_error(client: Client, sql: psycopg.Connection) -> None:
    post_labelled(client, sql, LABELS)
    for score, method in itertools.product(("sequence_nll", "perplexity", "min_token_probability"), Method):
        fit_well(client, method=method, score=score)
        for index, logprob in enumerate((-744.0, -708.0, -1e-300, -1e10, -5e-324)):
            document = make_answer(f"x{index}", 0.5)
            document["events"][0]["top_tokens"] = [{"token": 5, "logprob": logprob}, {"token": 6, "logprob": -5e20}]
            answer = client.ingest(document)
            assert answer.status == 201, answer.data
            assert answer.json["p_correct"] is None or 0 <= answer.json["p_correct"] <= 1


def test_the_functions_of_sql_stay_within_floats(sql: psycopg.Connection) -> None:
    for slope in (1e-100, 1, 1e150):
        for value in ("5e-324", "1e308", "-1e308", "infinity", "nan", "0"):
            made = sql.execute(
                "select probability_of(jsonb_populate_record(null::calibrators, %s::jsonb), %s::float8)",
                [json.dumps({"method": "platt", "slope": slope, "intercept": 0.5}), value],
            ).fetchone()
            assert made is not None
            assert 0 <= made[0] <= 1


def test_the_calibrated_probability_is_compared_with_outcomes_like_a_score(
    client: Client, sql: psycopg.Connection
) -> None:
    post_labelled(client, sql, draw_labels(110, seed=3))
    assert client.get("/v1/confidence/calibration?score=p_correct").json["n"] == 0
    fit_well(client, method="platt")
    post_labelled(client, sql, draw_labels(110, seed=23), prefix="new")
    before, after = (
        client.get(f"/v1/confidence/calibration?score={score}&min_confidence=0.0001").json
        for score in ("sequence_confidence", "p_correct")
    )
    assert (before["n"], after["n"]) == (220, 110)
    assert after["ece"] < before["ece"]
    assert after["brier"] < before["brier"]
    # The labels that the calibrator was fitted to get a probability from it, too.
    sql.execute("update requests set scoring_version = scoring_version")
    assert client.get("/v1/confidence/calibration?score=p_correct").json["n"] == 220
    threshold = client.get("/v1/confidence/threshold?score=p_correct&target_error=0.5").json
    assert (threshold["certified"], threshold["accepts"], threshold["n"]) == (True, ">=", 110)
    assert threshold["message"].endswith("Requests from the period to which the calibrator was fitted don't count")
    sql.execute("update outcomes set recorded_at = now()")  # as if all were sent again
    assert client.get("/v1/confidence/threshold?score=p_correct&target_error=0.5").json == threshold
    sql.execute("delete from calibrators")
    assert client.get("/v1/confidence/threshold?score=p_correct&target_error=0.5").json["n"] == 0
    ranked = {one["score"]: one["n"] for one in client.get("/v1/confidence/risk-coverage").json["scores"]}
    assert (ranked["p_correct"], ranked["perplexity"]) == (220, 220)


def test_a_calibrator_is_not_fitted_to_the_probability_of_another(client: Client) -> None:
    answer = fit(client, score="p_correct")
    assert answer.status == 400
    assert "score: " in answer.json["error"]
    assert "p_correct comes from a calibrator" in answer.json["error"]
