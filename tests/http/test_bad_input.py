"""Hostile traces are stored or rejected with an error message, never with a 500, and never stored in part."""

import gzip
import json
import socket
import threading
from typing import Any

import psycopg
import pytest
from psycopg import sql as psycopg_sql

from core.wire.zstandard import compress
from tests.support.client import Client
from tests.support.documents import (
    action,
    added,
    call,
    forward,
    load_trace,
    make_document,
    masked,
    number,
    one_token,
    sampled,
)
from tests.support.servers import Serve

TABLES = (
    "requests",
    "request_traces",
    "request_steps",
    "step_logit_summaries",
    "mods",
    "mod_blocks",
    "mod_calls",
    "mod_logs",
    "actions",
)


def count_rows(sql: psycopg.Connection) -> dict[str, int]:
    counted = {}
    for table in TABLES:
        row = sql.execute(psycopg_sql.SQL("select count(*) from {}").format(psycopg_sql.Identifier(table))).fetchone()
        counted[table] = row[0] if row else 0
    return counted


def broken(**changes: Any) -> dict[str, Any]:
    """Return a trace of one step whose Sampled event has these changes."""
    return make_document(events=number([forward(), {**sampled(), **changes}, added(5)]))


REFUSED: dict[str, tuple[object, str]] = {
    "no request": ({}, "this is not a response that can be scored; send {tokens: […]}, a Quote trace"),
    "an empty list": ([], "body: an empty list"),
    "not an object": ("text", "body: not a JSON object"),
    "no request_id": ({"request": {}}, "request.request_id: is required"),
    "empty request_id": (make_document(""), "request.request_id: "),
    "long request_id": (make_document("x" * 513), "request.request_id: "),
    "NUL in request_id": (make_document("a\0b"), "request.request_id: an id can't contain U+0000"),
    "surrogate in request_id": (make_document("a\ud800b"), "request.request_id: "),
    "slash in request_id": (make_document("a/b"), "request.request_id: an id can't contain a slash"),
    "reserved request_id": (make_document("stream"), "request.request_id: "),
    "unknown event type": (broken(event_type="Dreamt"), "events[1].event_type: "),
    "token is text": (broken(sampled_token="5"), "events[1].sampled_token: "),
    "token beyond 32 bits": (broken(sampled_token=2**31), "events[1].sampled_token: "),
    "token far beyond": (broken(sampled_token=10**40), "events[1].sampled_token: "),
    "negative token": (broken(sampled_token=-1), "events[1].sampled_token: "),
    "boolean step": (broken(step=True), "events[1].step: "),
    "negative order": (broken(sequence_order=-1), "events[1].sequence_order: "),
    "duplicate order": (broken(sequence_order=0), "events[1].sequence_order: 0 occurs 2 times"),
    "naive date": (broken(created_at="2026-11-22"), "events[1].created_at: "),
    "no date": (broken(created_at="yesterday"), "events[1].created_at: "),
    "a year too far": (broken(created_at=1e18), "events[1].created_at: "),
    "positive logprob": (
        make_document(events=number([forward([{"token": 1, "logprob": 0.5}])])),
        "events[0].top_tokens[0].logprob: ",
    ),
    "no number": (make_document(events=number([forward([{"token": 1}])])), "events[0].top_tokens[0]"),
    "probabilities sum to 2": (
        make_document(events=number([forward([{"token": 1, "prob": 1}, {"token": 2, "prob": 1}])])),
        "events[0].top_tokens: ",
    ),
    "call of no event": (
        make_document(events=number(one_token()), mod_calls=[call(99)]),
        "mod_calls[0].event_sequence_order: no event has sequence_order 99",
    ),
    "call of a negative event": (
        make_document(events=number(one_token()), mod_calls=[call(-1)]),
        "mod_calls[0].event_sequence_order: ",
    ),
    "log of no call": (
        make_document(mod_logs=[{"mod_call_sequence": 0, "mod_name": "m", "log_message": "x"}]),
        "mod_logs[0].mod_call_sequence: there is no mod_calls[0]",
    ),
    "action of a negative call": (
        make_document(events=number(one_token()), mod_calls=[call(1)], actions=[action("Noop", -1)]),
        "actions[0].mod_call_sequence: ",
    ),
    "unknown action": (
        make_document(events=number(one_token()), mod_calls=[call(1)], actions=[action("Dance")]),
        "actions[0].action_type: ",
    ),
    "unknown log level": (
        make_document(
            events=number(one_token()),
            mod_calls=[call(1)],
            mod_logs=[{"mod_call_sequence": 0, "mod_name": "m", "log_message": "x", "log_level": "LOUD"}],
        ),
        "mod_logs[0].log_level: ",
    ),
    "negative backtrack": (
        make_document(
            events=number(one_token()),
            mod_calls=[call(1)],
            actions=[action("Backtrack", details={"backtrack_steps": -3})],
        ),
        "actions[0].backtrack_steps: ",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_an_invalid_trace_is_rejected_with_the_path_of_the_field(
    client: Client, sql: psycopg.Connection, case: str
) -> None:
    document, sentence = REFUSED[case]
    answer = client.ingest(document)
    assert answer.status == 400
    assert answer.json["error"].startswith(sentence), answer.json
    assert answer.json["message"] == answer.json["error"]
    assert answer.json["code"] == 400
    assert not any(count_rows(sql).values())


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"request": {"request_id": "x"}',
        b"\xff\xfe",
        b'{"request": {"request_id": "x", "temperature": NaN}}',
        b'{"request": {"request_id": "x"}, "extra": Infinity}',
        b'{"request": {"request_id": "x", "temperature": 1e999}}',
        b'{"request": {"request_id": "x"}, "n": ' + b"9" * 5000 + b'} "',
        b'{"request": {"request_id": "x"}, "events": null}',
        b'{"request": {"request_id": "x"}, "a": ' + b"[" * 200_000 + b"]" * 200_000 + b"}",
    ],
)
def test_invalid_json_is_rejected(client: Client, sql: psycopg.Connection, body: bytes) -> None:
    answer = client.post_bytes("/v1/ingest", body)
    assert answer.status == 400, answer.data
    assert not any(count_rows(sql).values())


def test_text_that_postgres_cannot_store_is_returned_unchanged(client: Client, sql: psycopg.Connection) -> None:
    nasty = "a\0b\ud800c\udfff\U0001f642"
    document = make_document(
        events=number([forward(), sampled(5, nasty), added(5)]),
        request={"model": nasty, "final_text": nasty, "mod_text": nasty, "system_prompt": nasty},
        mod_calls=[call(1, mod=nasty, exception_occurred=True, exception_message=nasty)],
        mod_logs=[{"mod_call_sequence": 0, "mod_name": nasty, "log_message": nasty}],
        actions=[action("EmitError", details={"error_message": nasty, nasty: 1})],
        unheard_of={nasty: [nasty]},
    )
    assert client.ingest(document).status == 201
    assert client.get("/logs/r1/trace").json == document
    shown = client.log("r1")
    assert "�" in shown["final_text"]
    assert shown["steps"][0]["token_text"].startswith("a")
    assert sql.execute("select token_text from steps").fetchone() == ("a�b�c�\U0001f642",)
    assert client.get("/logs").json["data"][0]["final_text"] == "a�b�c�\U0001f642"


def test_masked_and_infinite_logprobs_are_stored(client: Client) -> None:
    body = json.dumps(make_document(events=number(one_token()))).encode()
    masked = b'[{"token": 5, "logprob": -0.1}, {"token": 6, "logprob": -9999}, {"token": 7, "logprob": "-inf"}, '
    masked += b'{"token": 8, "logprob": -1e999}, {"token": 9, "logprob": null}, {"token": 10, "logprob": -1e-7}]'
    top = json.dumps(make_document(events=number(one_token()))["events"][0]["top_tokens"]).encode()
    assert top in body
    answer = client.post_bytes("/v1/ingest", body.replace(top, masked.replace(b"-1e-7", b"-5.5")))
    assert answer.status == 201, answer.data
    assert client.get("/logs/r1/trace").data == body.replace(top, masked.replace(b"-1e-7", b"-5.5"))
    step = client.log("r1")["steps"][0]
    assert step["logprob"] == pytest.approx(-0.1)


def test_numbers_beyond_a_double_are_returned_as_posted(client: Client) -> None:
    body = b'{"request": {"request_id": "r1", "big": 123456789012345678901234567890, "tiny": 1e-999, "e": 1e999}}'
    assert client.post_bytes("/v1/ingest", body).status == 201
    assert client.get("/logs/r1/trace").data == body


def test_a_trace_needs_only_an_id(client: Client) -> None:
    answer = client.ingest({"request": {"request_id": "r1"}})
    assert answer.status == 201
    assert answer.json == {
        "request_id": "r1",
        "revision": 1,
        "replaced": False,
        "sequence_confidence": None,
        "events": 0,
        "tokens": 0,
        "p_correct": None,
        "calibrator": None,
        "warnings": [],
    }
    shown = client.log("r1")
    assert shown["events"] == shown["steps"] == shown["step_logit_summaries"] == []
    assert shown["sequence_confidence"] is None


@pytest.mark.parametrize("depth", [100, 1000, 5000])
def test_deep_nesting_is_stored_or_rejected(client: Client, depth: int) -> None:
    details = json.loads("[" * 90 + "]" * 90)
    document = make_document(events=number([forward(), {**sampled(), "details": {}}, added(5)]))
    nested = b"[" * depth + b"]" * depth
    body = json.dumps(document).encode().replace(b'"details": {}', b'"details": {"a": ' + nested + b"}")
    body = body.replace(b'"events":', b'"extra": ' + nested + b', "events":')
    answer = client.post_bytes("/v1/ingest", body)
    assert details
    assert answer.status in (201, 400)
    assert client.get("/logs/r1").status == (200 if answer.status == 201 else 404)


def test_deep_nesting_in_shown_fields_is_stored_or_rejected(client: Client) -> None:
    document = make_document(
        events=number(one_token()), mod_calls=[call(1)], actions=[action("EmitError", details={"a": "HERE"})]
    )
    for depth in (100, 300, 900):
        body = json.dumps(document).encode().replace(b'"HERE"', b"[" * depth + b"]" * depth)
        answer = client.post_bytes("/v1/ingest", body)
        assert answer.status == (201 if depth == 100 else 400), answer.data


def test_a_hundred_thousand_events_are_stored(client: Client) -> None:
    events = number([event for _ in range(33_333) for event in one_token()])
    answer = client.ingest(make_document(events=events))
    assert answer.status == 201
    assert answer.json["events"] == 99_999
    assert answer.json["tokens"] == 33_333


def test_too_large_bodies_are_rejected_in_any_encoding(serve: Serve, database_url: str) -> None:
    client = serve(DATABASE_URL=database_url, INGEST_AUTH="open", MAX_BODY_MB="1")
    plain = json.dumps(make_document(pad="x" * 1024 * 1024)).encode()
    assert client.post_bytes("/v1/ingest", plain).status == 413
    assert client.post_bytes("/v1/ingest", gzip.compress(plain), content_encoding="gzip").status == 413
    bomb = compress([b"x" * 500 * 1024 * 1024])
    answer = client.post_bytes("/v1/ingest", bomb, content_encoding="zstd")
    assert answer.status == 413
    assert "1 MiB" in answer.json["error"]


def test_compressed_bodies_are_decompressed(client: Client) -> None:
    body = json.dumps(load_trace("plain-capital")).encode()
    halves = gzip.compress(body[:100]) + gzip.compress(body[100:])
    frames = compress([body[:100]]) + compress([body[100:]])
    for encoding, packed in (
        ("gzip", gzip.compress(body)),
        ("x-gzip", halves),
        ("zstd", compress([body])),
        ("ZSTD", frames),
        ("identity", body),
    ):
        assert client.post_bytes("/v1/ingest", packed, content_encoding=encoding).status == 201, encoding
        assert client.get("/logs/smollm2-plain-capital/trace").json == masked(json.loads(body))


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_damaged_compressed_bodies_are_rejected(client: Client, encoding: str) -> None:
    body = json.dumps(load_trace("plain-capital")).encode()
    packed = gzip.compress(body) if encoding == "gzip" else compress([body])
    for damaged in (packed[:-20], b"nonsense", packed + b"trailing"):
        answer = client.post_bytes("/v1/ingest", damaged, content_encoding=encoding)
        assert answer.status == 400
        assert encoding in answer.json["error"]


def test_unsupported_content_types_and_encodings_are_rejected(client: Client) -> None:
    body = json.dumps(make_document()).encode()
    assert client.post_bytes("/v1/ingest", body, content_type="text/plain").status == 415
    assert client.post_bytes("/v1/ingest", body, content_encoding="br").status == 415
    assert client.post_bytes("/v1/ingest", body, content_type="Application/JSON; charset=utf-8").status == 201


def test_a_client_that_disconnects_leaves_no_rows(client: Client, sql: psycopg.Connection) -> None:
    host, port = client.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as one:
        one.sendall(b"POST /v1/ingest HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n")
        one.sendall(b'Content-Length: 1000\r\n\r\n{"request": {"request_id": "half')
    assert client.get("/livez").status == 200
    assert not any(count_rows(sql).values())


def test_concurrent_posts_of_one_id_leave_one_complete_trace(client: Client, sql: psycopg.Connection) -> None:
    documents = [load_trace("ban-the"), load_trace("backtrack")]
    for document in documents:
        document["request"].update(request_id="same", user_api_key="one")
    answers = []
    threads = [
        threading.Thread(target=lambda document=document: answers.append(client.ingest(document)))
        for document in documents * 4
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer.status for answer in answers] == [201] * 8
    assert sorted(answer.json["revision"] for answer in answers) == list(range(1, 9))
    winner = client.get("/logs/same/trace").json
    stored = [masked(document) for document in documents]
    assert winner in stored
    counted = count_rows(sql)
    assert counted["requests"] == counted["request_traces"] == 1
    assert sql.execute("select count(*) from steps").fetchone() == (60 if winner == stored[0] else 86,)
    assert sql.execute("select count(*) from handler_actions").fetchone() == (len(winner["actions"]),)


def test_each_word_in_the_place_of_an_id_is_reserved(client: Client) -> None:
    paths = client.request("GET", "/openapi.json").json["paths"]
    parents = ("/logs/", "/v1/confidence/")
    seconds = {path.removeprefix(one).split("/")[0] for path in paths for one in parents if path.startswith(one)}
    words = seconds - {"{request_id}"}
    assert words >= {"stream", "calibration", "risk-coverage", "threshold", "changes", "groups"}
    for word in words:
        answer = client.ingest(make_document(word))
        assert (answer.status, answer.json["error"].split(":")[0]) == (400, "request.request_id"), word
