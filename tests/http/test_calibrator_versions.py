"""Versions of calibrators: activation, deletion, and the requests that keep their probability."""

import json
from typing import Any

import psycopg

from tests.support.calibrators import LABELS, fit, fit_well, post_new, refer
from tests.support.client import Client, send
from tests.support.documents import make_document
from tests.support.keys import ADMIN_KEY
from tests.support.labels import MODEL, make_answer, post_labelled


def test_requests_of_other_models_and_lists_are_not_calibrated(client: Client, sql: psycopg.Connection) -> None:
    post_labelled(client, sql, LABELS)
    fit_well(client)
    longer = make_answer("k", 0.5)
    longer["events"][0]["top_tokens"].append({"token": 7, "logprob": -30})
    for document in (
        make_answer("model", 0.5, model="other"),
        longer,
        make_document("empty", request={"model": MODEL}),
    ):
        receipt = client.ingest(document).json
        assert (receipt["p_correct"], receipt["calibrator"]) == (None, None)
        score = client.post_bytes("/v1/score", json.dumps(document).encode(), x_api_key=client.key).json
        assert (score["p_correct"], score["calibrator"]) == (None, None)


def test_a_logprobs_mode_has_its_own_calibrator(client: Client, sql: psycopg.Connection) -> None:
    post_labelled(client, sql, LABELS)
    post_labelled(client, sql, LABELS, prefix="m")
    sql.execute("update requests set logprobs_mode = 'processed_logprobs' where request_id like 'm%'")
    answer = fit(client)
    assert answer.status == 409
    for named in ("model: the labeled requests differ", f"model '{MODEL}', k 2, logprobs_mode 'raw_logprobs' (150)"):
        assert named in answer.json["error"]
    processed, raw = (fit_well(client, logprobs_mode=mode) for mode in ("processed_logprobs", "raw_logprobs"))
    assert (processed["version"], raw["version"], processed["active"], raw["n"]) == (1, 1, True, 150)
    assert post_new(client, "new")["calibrator"] == refer(raw)
    assert fit(client, logprobs_mode=None).status == 409
    item = {
        "request_id": "item",
        "request": {"model": MODEL},
        "response": post_item(),
        "logprobs_mode": "processed_logprobs",
    }
    assert client.ingest(item).json["calibrator"] == refer(processed)
    assert client.post_bytes("/v1/score", json.dumps(item).encode(), x_api_key=client.key).json["calibrator"] == refer(
        processed
    )
    assert client.ingest({**item, "request_id": "undeclared", "logprobs_mode": None}).json["calibrator"] is None


def post_item() -> dict[str, Any]:
    top = [{"token": "a", "logprob": -0.5}, {"token": "b", "logprob": -1.5}]
    content = [{"token": "a", "logprob": -0.5, "top_logprobs": top}]
    return {"choices": [{"message": {"content": "a"}, "logprobs": {"content": content}, "finish_reason": "stop"}]}


def test_a_request_keeps_its_version_until_it_is_posted_again(client: Client, sql: psycopg.Connection) -> None:
    post_labelled(client, sql, LABELS)
    first = fit_well(client, method="platt")
    before = post_new(client, "old")
    second = fit_well(client)
    assert client.log("old")["p_correct"] == before["p_correct"]
    assert client.log("old")["calibrator"] == refer(first)
    assert post_new(client, "new")["calibrator"] == refer(second)
    again = post_new(client, "old")
    assert (again["revision"], again["calibrator"]) == (2, refer(second))
    assert again["p_correct"] != before["p_correct"]


def test_one_calibrator_is_active(client: Client, sql: psycopg.Connection) -> None:
    post_labelled(client, sql, LABELS)
    first, second = fit_well(client, method="platt"), fit_well(client)
    path = f"/v1/calibrators/{first['id']}"
    answer = send(client, "PATCH", path, ADMIN_KEY, active=True)
    assert (answer.status, answer.json["calibrator"]["active"]) == (200, True)
    assert post_new(client, "a")["calibrator"] == refer(first)
    listed = {one["id"]: one["active"] for one in client.get("/v1/calibrators").json["calibrators"]}
    assert listed == {first["id"]: True, second["id"]: False}
    assert send(client, "PATCH", path, ADMIN_KEY, active=False).json["calibrator"]["active"] is False
    assert post_new(client, "b")["calibrator"] is None
    for body in (b"{}", b'{"active": "yes"}', b'{"active": true, "version": 9}'):
        assert client.request("PATCH", path, body, x_api_key=ADMIN_KEY).status == 400
    assert send(client, "PATCH", "/v1/calibrators/999", ADMIN_KEY, active=True).status == 404


def test_requests_keep_the_probability_of_a_deleted_calibrator(client: Client, sql: psycopg.Connection) -> None:
    post_labelled(client, sql, LABELS)
    calibrator = fit_well(client)
    before = post_new(client, "old")
    path = f"/v1/calibrators/{calibrator['id']}"
    assert send(client, "DELETE", path, ADMIN_KEY).json == {"id": calibrator["id"], "message": "calibrator deleted"}
    assert send(client, "DELETE", path, ADMIN_KEY).status == 404
    assert client.get("/v1/calibrators").json["total"] == 0
    log = client.log("old")
    assert (log["p_correct"], log["calibrator"]) == (before["p_correct"], refer(calibrator))
    assert post_new(client, "new")["p_correct"] is None
    audited = [(one["action"], one["subject"]) for one in client.get("/v1/audit").json["entries"]]
    subject = f"calibrator:{calibrator['id']}"
    assert audited == [("calibrator.delete", subject), ("calibrator.create", subject)]
