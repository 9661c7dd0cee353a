"""The order, the fields and the confidence curve of the feed."""

import psycopg
import pytest

from tests.support.client import Client
from tests.support.documents import (
    load_trace,
    make_document,
    trace_names,
)

FEED_FIELDS = [
    "request_id",
    "created_ts",
    "finished_ts",
    "model_id",
    "user_api_key",
    "final_text",
    "total_steps",
    "favorited_by",
    "discussion_count",
]


def test_the_feed_is_newest_first_and_limits_its_pages(client: Client) -> None:
    for index, moment in enumerate([30, 10, 20, 20]):
        client.ingest(make_document(f"r{index}", request={"created_at": moment, "final_text": "hello"}))
    feed = client.get("/logs").json
    assert [row["request_id"] for row in feed["data"]] == ["r0", "r3", "r2", "r1"]
    assert (feed["limit"], feed["offset"], feed["returned"]) == (50, 0, 4)
    assert not set(FEED_FIELDS) - set(feed["data"][0])
    page = client.get("/logs?limit=2&offset=1").json
    assert [row["request_id"] for row in page["data"]] == ["r3", "r2"]
    assert client.get("/logs?limit=0&offset=-5").json["limit"] == 1
    assert client.get("/logs?limit=1000&offset=99999999999999999999").json["returned"] == 0
    answer = client.get("/logs?limit=many")
    assert (answer.status, answer.json["code"]) == (400, 400)
    assert "limit" in answer.json["error"]


def test_the_feed_has_a_confidence_curve_of_each_request(client: Client, sql: psycopg.Connection) -> None:
    for name in trace_names():
        assert client.ingest(load_trace(name)).status == 201
    for row in client.get("/logs?limit=100").json["data"]:
        report = client.get(f"/v1/confidence/{row['request_id']}").json
        windows = [one["group_confidence"] for one in report["tokens"] if one["group_confidence"] is not None]
        assert len(row["group_confidence"]) == min(32, len(windows))
        assert min(row["group_confidence"]) == pytest.approx(row["lowest_group_confidence"], rel=1e-6)
        assert row["group_confidence"][-1] == pytest.approx(windows[-1], rel=1e-6) or len(windows) > 32
    client.ingest(make_document("unscored"))
    sql.execute("update requests set group_confidence = null where request_id = 'smollm2-force-prefix'")
    rows = {row["request_id"]: row["group_confidence"] for row in client.get("/logs?limit=100").json["data"]}
    assert rows["unscored"] is rows["smollm2-force-prefix"] is None, "a request stored before the field existed"
