"""Hostile documents cost no more than they are long, and are refused in a sentence."""

import json
from typing import Any

import pytest

from core.errors import InvalidInputError
from core.traces.parse import parse_document
from core.traces.scored import score_trace
from tests.build import added, forward, make_document, number, sampled


def refuse(document: dict[str, Any]) -> str:
    with pytest.raises(InvalidInputError) as caught:
        score_trace(parse_document(json.dumps(document).encode()))
    return str(caught.value)


def test_a_million_wrong_entries_make_one_sentence() -> None:
    document = make_document(request={"final_token_ids": ["a"] * 100_000})
    assert len(refuse(document)) < 500
    assert refuse({**make_document(), "events": [{}] * 100_000}).startswith("events[0].")


def test_lists_have_a_length() -> None:
    assert "200000" in refuse(make_document(request={"final_token_ids": [1] * 200_001}))
    events = number([forward(), sampled(), *([added(*[1] * 100_000)] * 3)])
    assert "at most 200000" in refuse(make_document(events=events))


@pytest.mark.parametrize("moment", [10**400, -(10**400), 1e300, "9999-12-31T23:59:59Z", "2026-02-30T00:00:00Z"])
def test_moments_that_do_not_exist_are_refused(moment: object) -> None:
    assert refuse(make_document(request={"created_at": moment})).startswith("request.created_at: ")


@pytest.mark.parametrize("top", [[5], [{"token": 1}], ["x"], [None], [{"token": 1, "prob": "much"}]])
def test_lists_of_events_that_are_no_forward_pass_are_held_as_posted(top: list[object]) -> None:
    events = number([forward(), {**sampled(), "top_tokens": top}, added(5)])
    assert score_trace(parse_document(json.dumps(make_document(events=events)).encode())).tokens


def test_a_long_mod_name_is_refused() -> None:
    calls = [{"event_sequence_order": 0, "mod_name": "x" * 501, "event_type": "ForwardPass", "step": 0}]
    assert "mod_calls[0].mod_name" in refuse(make_document(events=number([forward()]), mod_calls=calls))
