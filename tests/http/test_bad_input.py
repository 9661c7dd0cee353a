"""Invalid traces are rejected with the path of the field."""

import json
from typing import Any

import psycopg
import pytest

from tests.support.client import Client
from tests.support.documents import (
    action,
    added,
    call,
    forward,
    make_document,
    number,
    one_token,
    sampled,
)
from tests.support.row_counts import count_rows


def broken(**changes: Any) -> dict[str, Any]:
    """Return a trace of one step whose Sampled event has these changes."""
    return make_document(events=number([forward(), {**sampled(), **changes}, added(5)]))


REFUSED: dict[str, tuple[object, str]] = {
    "no request": ({}, "body: not a response that can be scored; send {tokens: […]}, a Quote trace"),
    "an empty list": ([], "body: an empty list"),
    "not an object": ("text", "body: not a JSON object"),
    "no request_id": ({"request": {}}, "request.request_id: missing; send it"),
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


@pytest.mark.parametrize(
    "body", [b'data: {"choices": []}\n\n', b"\n: ping\n\nevent: a\ndata: 1\n\n", b"id: 1\ndata: {}"]
)
@pytest.mark.parametrize("path", ["/v1/ingest", "/v1/score"])
def test_a_stream_that_is_labelled_as_json_is_refused_with_advice(client: Client, path: str, body: bytes) -> None:
    answer = client.post_bytes(path, body, x_api_key=client.key)
    assert (answer.status, answer.json["error"]) == (
        400,
        "body: a stream of events, not JSON; post it to /v1/ingest with Content-Type: text/event-stream",
    )


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/alerts", b"id: 5"),
        ("/v1/alerts", b"data: {}\n\n"),
        ("/v1/ingest", b"id: 5"),
        ("/v1/score", b":x"),
        ("/v1/score", b": \n" * 30_000),
    ],
)
def test_a_body_that_is_no_stream_gets_no_advice_about_streams(client: Client, path: str, body: bytes) -> None:
    answer = client.post_bytes(path, body, x_api_key=client.key)
    assert (answer.status, answer.json["error"].startswith("body: not JSON: ")) == (400, True), answer.json


@pytest.mark.parametrize(
    ("path", "body", "sentence"),
    [
        (
            "/v1/alerts",
            {"name": "", "kind": "x", "url": "u", "zzz": 1},
            "name: must have at least 1 character; kind: must",
        ),
        ("/v1/alerts", {"name": "a", "kind": "rate", "url": "u", "zzz": 1}, "zzz: unknown field; remove it"),
        ("/logs/r/collections", {"collection_id": "1"}, "collection_id: must be a valid integer"),
        ("/playground/activations/extract", {"token_ids": []}, "token_ids: must have at least 1 item"),
    ],
)
def test_a_wrong_field_is_named_with_what_it_must_be(client: Client, path: str, body: object, sentence: str) -> None:
    answer = client.post_bytes(path, json.dumps(body).encode(), x_api_key=client.key)
    assert (answer.status, answer.json["error"].startswith(sentence)) == (400, True), answer.json


def test_each_word_in_the_place_of_an_id_is_reserved(client: Client) -> None:
    paths = client.request("GET", "/openapi.json").json["paths"]
    parents = ("/logs/", "/v1/confidence/")
    seconds = {path.removeprefix(one).split("/")[0] for path in paths for one in parents if path.startswith(one)}
    words = seconds - {"{request_id}"}
    assert words >= {"stream", "calibration", "risk-coverage", "threshold", "changes", "groups"}
    for word in words:
        answer = client.ingest(make_document(word))
        assert (answer.status, answer.json["error"].split(":")[0]) == (400, "request.request_id"), word
