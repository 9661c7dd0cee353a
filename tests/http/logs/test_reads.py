"""Reads of stored requests: ids, revisions, errors, and the cache of rendered logs."""

import json
from urllib.parse import quote

import psycopg
import pytest

from core.wire.zstandard import decompress
from tests.support.client import Client
from tests.support.documents import (
    action,
    call,
    load_trace,
    make_document,
    masked,
    number,
    one_token,
)


def test_duplicate_post_replaces_the_trace_and_keeps_annotations(client: Client, sql: psycopg.Connection) -> None:
    client.ingest(make_document(events=number(one_token() * 5), mod_calls=[call(1)], actions=[action("Noop")]))
    sql.execute(
        "update requests set tags = '{good}', favorited_by = '{ann}', share_nonce = '\\x00', share_token_hash = '\\x00'"
    )
    answer = client.ingest(make_document(events=number(one_token(6, "six"))))
    assert (answer.status, answer.json["revision"], answer.json["replaced"]) == (201, 2, True)
    shown = client.log("r1")
    assert [step["token"] for step in shown["steps"]] == [6]
    assert (shown["tags"], shown["favorited_by"], shown["is_public"]) == (["good"], ["ann"], True)
    assert shown["mod_calls"] == shown["actions"] == []
    assert sql.execute("select count(*) from request_steps").fetchone() == (1,)
    assert sql.execute("select count(*) from actions").fetchone() == (0,)


def test_paths_may_end_in_a_slash(client: Client) -> None:
    client.ingest(make_document())
    for path in ("/logs/", "/logs/r1/", "/logs/r1/trace/", "/health/", "/healthz/", "/livez/"):
        assert client.get(path).status == 200, path


@pytest.mark.parametrize("request_id", ["a b", "é🙂", "a%20b", "a?b#c", "trace", "logs", "x" * 512])
def test_any_text_may_be_an_id(client: Client, request_id: str) -> None:
    assert client.ingest(make_document(request_id)).status == 201
    assert client.log(quote(request_id, safe=""))["request_id"] == request_id
    assert client.get(f"/logs/{quote(request_id, safe='')}/trace").status == 200


def test_unknown_requests_are_not_found(client: Client) -> None:
    for path in ("/logs/nobody", "/logs/nobody/trace", "/logs/%00", "/logs/%ff", "/logs/" + "x" * 3000):
        answer = client.get(path)
        assert answer.status == 404, path
        assert answer.json["code"] == 404
        assert answer.json["message"] == answer.json["error"]


def test_reads_require_the_admin_key(client: Client) -> None:
    client.ingest(make_document())
    for path in ("/logs", "/logs/r1", "/logs/r1/trace"):
        assert client.request("GET", path).status == 401
        assert client.request("GET", path, x_api_key="wrong").status == 401
        assert client.request("GET", path, authorization=f"Bearer {client.key}").status == 200


def test_errors_have_cors_headers_and_the_same_shape(client: Client) -> None:
    for method, path, status in (("GET", "/nope", 404), ("PUT", "/logs", 405), ("GET", "/logs", 401)):
        answer = client.request(method, path, origin="https://ui.example")
        assert answer.status == status
        assert answer.headers["access-control-allow-origin"] == "*"
        assert set(answer.json) == {"error", "message", "code"}
    preflight = client.request(
        "OPTIONS",
        "/logs",
        origin="https://ui.example",
        access_control_request_method="GET",
        access_control_request_headers="x-api-key",
    )
    assert preflight.status == 200


def test_a_trace_is_stored_once(client: Client, sql: psycopg.Connection) -> None:
    posted = json.dumps(masked(load_trace("plain-greedy"))).encode()
    client.post_bytes("/v1/ingest", json.dumps(load_trace("plain-greedy")).encode())
    row = sql.execute("select format, document, document_bytes from request_traces").fetchone()
    assert row is not None
    number, document, size = row
    assert decompress(document) == client.get("/logs/smollm2-plain-greedy/trace").data
    assert json.loads(decompress(document)) == json.loads(posted)
    assert (number, size) == (1, len(decompress(document)))
    arrays = sql.execute("""
        select sum(pg_column_size(request_steps)) + sum(pg_column_size(step_logit_summaries))
        from request_steps, step_logit_summaries
    """).fetchone()
    assert arrays is not None
    assert len(document) + arrays[0] < len(posted) * 0.25
    assert arrays[0] < 70 * 60


def test_a_repeated_read_renders_once_and_is_never_stale(client: Client, sql: psycopg.Connection) -> None:
    document = load_trace("plain-greedy")
    client.ingest(document)
    # A log that is sent as zstd is in the cache before its answer; an uncompressed one is compressed afterwards.
    assert client.get("/logs/smollm2-plain-greedy", accept_encoding="zstd").status == 200
    first = client.log("smollm2-plain-greedy")
    sql.execute("update request_traces set document = '\\x00'")  # a second rendering would fail
    assert client.log("smollm2-plain-greedy") == first
    document["request"]["final_text"] = "another"
    client.ingest(document)
    assert client.log("smollm2-plain-greedy")["final_text"] == "another"
    sql.execute("truncate requests restart identity cascade")
    document["request"]["final_text"] = "a third, under the same number"
    client.ingest(document)
    assert client.log("smollm2-plain-greedy")["final_text"] == "a third, under the same number"


def test_a_document_of_a_newer_version_is_rejected(client: Client, sql: psycopg.Connection) -> None:
    client.ingest(load_trace("plain-greedy"))
    sql.execute("update request_traces set format = 99")
    for path in ("", "/trace"):
        answer = client.get(f"/logs/smollm2-plain-greedy{path}")
        assert (answer.status, "newer version" in answer.json["message"]) == (503, True)
    assert client.get("/v1/confidence/smollm2-plain-greedy").status == 503
