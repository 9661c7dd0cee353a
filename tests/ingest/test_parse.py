"""Hostile documents cost no more than their size, and are rejected with an error message."""

import json
from typing import Any

import pytest

from core.document.parse import parse_document
from core.errors import InvalidInputError
from core.pairing.scored_trace import score_trace
from tests.support.documents import added, forward, make_document, number, sampled


def refuse(document: dict[str, Any]) -> str:
    with pytest.raises(InvalidInputError) as caught:
        score_trace(parse_document(json.dumps(document).encode()))
    return str(caught.value)


def test_a_million_wrong_entries_give_one_error() -> None:
    document = make_document(request={"final_token_ids": ["a"] * 100_000})
    assert len(refuse(document)) < 500
    assert refuse({**make_document(), "events": [{}] * 100_000}).startswith("events[0].")


def test_the_length_of_lists_is_limited() -> None:
    assert "200000" in refuse(make_document(request={"final_token_ids": [1] * 200_001}))
    events = number([forward(), sampled(), *([added(*[1] * 100_000)] * 3)])
    assert "at most 200000" in refuse(make_document(events=events))


@pytest.mark.parametrize("moment", [10**400, -(10**400), 1e300, "9999-12-31T23:59:59Z", "2026-02-30T00:00:00Z"])
def test_invalid_times_are_rejected(moment: object) -> None:
    assert refuse(make_document(request={"created_at": moment})).startswith("request.created_at: ")


@pytest.mark.parametrize("top", [[5], [{"token": 1}], ["x"], [None], [{"token": 1, "prob": "much"}]])
def test_lists_of_events_other_than_forward_passes_are_kept_as_posted(top: list[object]) -> None:
    events = number([forward(), {**sampled(), "top_tokens": top}, added(5)])
    assert score_trace(parse_document(json.dumps(make_document(events=events)).encode())).pairing.steps


def test_a_long_mod_name_is_rejected() -> None:
    calls = [{"event_sequence_order": 0, "mod_name": "x" * 501, "event_type": "ForwardPass", "step": 0}]
    assert "mod_calls[0].mod_name" in refuse(make_document(events=number([forward()]), mod_calls=calls))


SURROGATE = {"\ud800": 1}
AN_EVENT = {"event_type": "Prefilled", "step": 0, "sequence_order": 0}


@pytest.mark.parametrize(
    "document",
    [
        {**make_document(), **SURROGATE},
        make_document(request=SURROGATE),
        make_document(events=[{**AN_EVENT, **SURROGATE}]),
        make_document(events=[{**AN_EVENT, "details": SURROGATE}]),
        make_document(events=[{**AN_EVENT, "details": {"n": 1e308 * 10}}]),
        make_document(events=[{**AN_EVENT, "top_tokens": [{**SURROGATE, "token": 1, "logprob": -1.0}]}]),
    ],
)
def test_documents_that_msgspec_rejects_take_the_slow_path(document: dict[str, Any]) -> None:
    body = json.dumps(document).replace("Infinity", "1e999")
    assert parse_document(body.encode()).request.request_id == "r1"


def test_the_last_value_of_a_repeated_key_counts() -> None:
    body = b'{"request": 5, "request": {"request_id": 5, "request_id": "r"}, "events": {}, "events": []}'
    assert parse_document(body).request.request_id == "r"


@pytest.mark.parametrize(
    ("event", "sentence"),
    [
        ({"event_type": "\ud800"}, "events[0].event_type: invalid enum value"),
        ({"sampled_token": "\ud800"}, "events[0].sampled_token: expected `int | null`, got `str`"),
        ({"event_type": "x" * 1000}, "events[0].event_type: invalid enum value 'xxx"),
        ({"top_tokens": "abc"}, "events[0].top_tokens: must be a list or null"),
        ({"top_tokens": {}}, "events[0].top_tokens: must be a list or null"),
        ({"created_at": [1]}, "events[0].created_at: a timestamp is RFC 3339 text or a number of seconds"),
        ({"created_at": True}, "events[0].created_at: a timestamp is RFC 3339 text or a number of seconds"),
        ({"added_tokens": [1, 2.0]}, "events[0].added_tokens[1]: expected `int`, got `float`"),
        ({"details": 5}, "events[0].details: expected `object | null`, got `int`"),
    ],
)
def test_an_error_names_the_path(event: dict[str, Any], sentence: str) -> None:
    found = refuse(make_document(events=[{**AN_EVENT, **event}]))
    assert found.startswith(sentence)
    assert len(found) < 300


@pytest.mark.parametrize(
    "body",
    [
        b'{"request": {"request_id": "r"}} x',
        b'{"request": {"request_id": "r"}}\0',
        b'{"request": {"request_id": "r"}, "x": "\xff"}',
        b'{"request": {"request_id": "r"}, "\xff": 1}',
        b'{"request": {"request_id": "r"}, "x": "\xed\xa0\x80"}',
        b'{"request": {"request_id": "r", "model": "\xff"}}',
        b'{"request": {"request_id": "r"}, "x": "\xe2\x82',
        b'{"request": {"request_id": "r"}, "x": 01}',
        b'{"request": {"request_id": "r"}, "x": "\t"}',
        b'{"request": {"request_id": "r"}, "x": "\\q"}',
        b'{"request": {"request_id": "r"}, "x": [1,]}',
        b'{"request": {"request_id": "r"}, "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"request": {"request_id": "r"}, "events": [{"top_tokens": ' + b"[" * 100_000 + b"]" * 100_000 + b"}]}",
        b'{"request": {"request_id": "r", "inference_stats": {"n": ' + b"9" * 5000 + b"}}}",
    ],
)
def test_invalid_json_is_rejected_in_ignored_fields_too(body: bytes) -> None:
    with pytest.raises(InvalidInputError, match=r"^body: "):
        parse_document(body)
