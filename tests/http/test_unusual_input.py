"""Unusual input is stored as posted, or rejected."""

import codecs
import json
import socket
import threading

import psycopg
import pytest

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
from tests.support.row_counts import count_rows


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


@pytest.mark.parametrize("content_type", ["application/json", "application/x-ndjson"])
def test_a_byte_order_mark_is_ignored(client: Client, content_type: str) -> None:
    response = {"request_id": "marked", "response": {"tokens": [{"logprob": -1.0}]}}
    for document in (make_document("marked", number(one_token())), response):
        body = codecs.BOM_UTF8 + json.dumps(document).encode()
        answer = client.post_bytes("/v1/ingest", body, content_type=content_type)
        assert answer.status in {201, 207}
        assert all(row["status"] == 201 for row in answer.json.get("results", []))
        assert client.get("/logs/marked/trace").json == document
    listed = json.dumps(
        [make_document("listed", number(one_token())), {"request": {"request_id": "wrong"}, "events": 5}]
    )
    answer = client.post_bytes("/v1/ingest", codecs.BOM_UTF8 + listed.encode())
    assert [row["status"] for row in answer.json["results"]] == [201, 400]
    body = codecs.BOM_UTF8 + b'{"tokens": [{"logprob": -1.0}]}'
    assert client.post_bytes("/v1/score", body, x_api_key=client.key).status == 200


@pytest.mark.parametrize("tokens", [None, []])
def test_an_added_event_without_ids_is_its_sampled_token(client: Client, tokens: list[int] | None) -> None:
    counted = {"event_type": "Added", "added_token_count": 1, "forced": False, "added_tokens": tokens}
    events = [forward([{"token": 5, "logprob": -0.5}]), sampled(5, "five"), counted]
    assert client.ingest(make_document("counted", number(events))).status == 201
    assert [(step["token"], step["logprob"]) for step in client.log("counted")["steps"]] == [(5, -0.5)]


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
