"""`manage.py rescore`: stored scores are updated to the rules of the running code."""

import json

import psycopg
import pytest

from core.pairing.version import SCORING_VERSION
from tests.support.client import Client, send
from tests.support.command import Command
from tests.support.derived import AGE, DERIVED, dump, read_scores
from tests.support.documents import load_trace, make_document, number, one_token, trace_names
from tests.support.labels import draw_labels, make_answer, post_labelled


@pytest.fixture
def stored(client: Client) -> Client:
    for name in trace_names():
        assert client.ingest(load_trace(name)).status == 201
    return client


def test_rescored_requests_equal_newly_posted_ones(
    stored: Client, database_url: str, manage: Command, sql: psycopg.Connection
) -> None:
    before, rows = read_scores(sql), {table: sorted(map(str, dump(sql, table))) for table in DERIVED}
    feed = stored.get("/logs")
    sql.execute(AGE)
    assert f"{len(before)} with scores of another version" in manage("status", on=database_url).stdout
    assert f"warn  scores        {len(before)} requests" in manage("doctor", on=database_url).stdout
    done = manage("rescore", on=database_url)
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith(
        f"rescored {len(before)} requests; sequence confidence changed in {len(before)}, by at most 0."
    )
    assert read_scores(sql) == before
    assert {table: sorted(map(str, dump(sql, table))) for table in DERIVED} == rows
    assert manage("rescore", on=database_url).stdout == "rescored 0 requests\n"
    again = stored.request("GET", "/logs", x_api_key=stored.key, if_none_match=feed.headers["ETag"])
    assert again.status == 200, "the version of the feed has changed"


def test_all_requests_can_be_rescored(stored: Client, database_url: str, manage: Command) -> None:
    del stored
    done = manage("rescore", "--all", on=database_url)
    assert (done.exit_code, done.stdout) == (0, f"rescored {len(trace_names())} requests\n")


def test_a_document_that_cannot_be_scored_is_kept_and_named(
    client: Client, database_url: str, manage: Command, sql: psycopg.Connection
) -> None:
    for name in ("a", "b", "c"):
        client.ingest(make_document(name, number(one_token())))
    sql.execute("update requests set scoring_version = 0")
    sql.execute(
        "update request_traces set format = 99 where request_pk = (select id from requests where request_id = 'b')"
    )
    done = manage("rescore", on=database_url)
    assert done.exit_code == 1
    assert done.stdout.splitlines()[0].startswith("failed b: document: a newer version of Thunder stored it")
    assert done.stdout.splitlines()[1] == "rescored 2 requests"
    versions = sql.execute("select request_id, scoring_version from requests order by id").fetchall()
    assert versions == [("a", SCORING_VERSION), ("b", 0), ("c", SCORING_VERSION)]


def test_older_requests_get_the_active_calibrator(
    client: Client, database_url: str, manage: Command, sql: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.traces.rescore.CALIBRATED_BATCH", 50)
    post_labelled(client, sql, draw_labels(120))
    body = json.dumps({"score": "sequence_confidence", "method": "platt"}).encode()
    calibrator = client.post_bytes("/v1/calibrators", body, x_api_key=client.key).json["calibrator"]
    client.ingest(make_answer("other", 0.5, model="another model"))
    expected = client.ingest(make_answer("new", draw_labels(120)[7][0])).json["p_correct"]
    feed = client.get("/logs")
    assert "120 with scores of another version or calibrator" in manage("status", on=database_url).stdout
    assert "120 requests have scores of another version or calibrator" in manage("doctor", on=database_url).stdout
    done = manage("rescore", on=database_url)
    assert (done.exit_code, done.stdout) == (0, "rescored 0 requests; updated p_correct of 120 others\n")
    assert client.log("l7")["p_correct"] == expected
    assert client.log("l7")["calibrator"] == {"id": calibrator["id"], "version": 1}
    assert client.log("other")["p_correct"] is None
    again = client.request("GET", "/logs", x_api_key=client.key, if_none_match=feed.headers["ETag"])
    assert again.status == 200, "the version of the feed has changed"
    assert manage("rescore", on=database_url).stdout == "rescored 0 requests\n"
    sql.execute("update requests set scoring_version = 0 where request_id = 'l7'")
    assert send(client, "DELETE", f"/v1/calibrators/{calibrator['id']}", client.key).status == 200
    assert "121 with scores" in manage("status", on=database_url).stdout
    assert manage("rescore", on=database_url).stdout == "rescored 1 requests; updated p_correct of 120 others\n"
    assert client.log("l7")["calibrator"] is None
