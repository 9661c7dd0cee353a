"""Callers see and change only their own requests."""

from typing import Any
from urllib.parse import quote

import pytest

from tests.support.client import Answer, send
from tests.support.keys import ADMIN_KEY, label
from tests.support.open_server import OpenServer

ACTS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "judge": ("POST", "outcome", {"correct": True}),
    "publish": ("POST", "public", {}),
    "unpublish": ("DELETE", "public", {}),
    "read the log": ("GET", "", {}),
    "read the trace": ("GET", "trace", {}),
    "read the outcomes": ("GET", "outcome", {}),
}


@pytest.mark.parametrize("whose", ["another user", "nobody"])
@pytest.mark.parametrize("key", ["a user's own", "bound to a user", "bound to nobody", "of every scope but admin"])
@pytest.mark.parametrize("act", ACTS)
def test_a_key_cannot_change_what_it_does_not_own(place: OpenServer, act: str, key: str, whose: str) -> None:
    place.post("key-of-the-attacker")
    match key:
        case "a user's own":
            given = "key-of-the-attacker"
        case "bound to a user":
            given = place.give("key-of-the-attacker")
        case "bound to nobody":
            given = place.give()
        case _:
            given = place.give(None, "read", "curate", "ingest")
    request_id, missing = place.post("key-of-the-victim" if whose == "another user" else None), place.name()
    before = place.dump()
    method, part, body = ACTS[act]
    answers = [
        send(place.client, method, f"/logs/{one}/{part}".rstrip("/"), given, **body) for one in (request_id, missing)
    ]
    assert [answer.status for answer in answers] == [404, 404]
    assert answers[0].data.replace(request_id.encode(), b"") == answers[1].data.replace(missing.encode(), b"")
    assert hide_length(answers[0]) == hide_length(answers[1])
    assert place.dump() == before


def hide_length(answer: Answer) -> dict[str, str]:
    different = {"content-length", "date", "x-request-id"}
    return {name: value for name, value in answer.headers.items() if name not in different}


def test_lists_and_statistics_contain_only_the_callers_data(place: OpenServer) -> None:
    mine = [place.post("key-of-carl"), place.post("key-of-carl")]
    place.post("key-of-dora")
    place.post()
    outcome = {"correct": True, "source": "of-carl"}
    assert send(place.client, "POST", f"/logs/{mine[0]}/outcome", "key-of-carl", **outcome).status == 200
    nothing: list[str] = []
    for key, expected in (("key-of-carl", mine), (place.give("key-of-carl"), mine), (place.give(), nothing)):
        count = len(expected)
        assert {row["request_id"] for row in place.get("/logs?limit=100", key).json["data"]} == set(expected)
        groups = place.get("/v1/confidence/summary?group_by=user", key).json["groups"]
        assert [(one["key"], one["n"]) for one in groups] == [(label("key-of-carl"), count)] * bool(count)
        assert sum(mod["requests"] for mod in place.get("/v1/mods", key).json["mods"]) == count
        assert place.get("/v1/confidence/calibration?outcome_source=of-carl", key).json["n"] == bool(count)
        for path in ("risk-coverage", "threshold"):
            assert place.get(f"/v1/confidence/{path}?score=sequence_confidence", key).json["n"] <= bool(count)
        drift = place.get("/v1/confidence/drift", key).json
        assert sum(side["n"] for side in drift.values() if isinstance(side, dict) and "n" in side) in (
            0,
            count,
            2 * count,
        )
    stolen = place.get("/v1/confidence/calibration?outcome_source=of-carl", "key-of-dora").json
    assert stolen["n"] == 0


def test_a_filter_by_user_shows_no_further_requests(place: OpenServer) -> None:
    mine, theirs = place.post("key-of-emil"), place.post("key-of-fay")
    for asked in ("key-of-fay", label("key-of-fay")):
        path = f"/logs?limit=100&api_key={quote(asked)}"
        assert place.get(path, "key-of-emil").json["data"] == []
        assert place.get(path, place.give()).json["data"] == []
        assert [row["request_id"] for row in place.get(path, "key-of-fay").json["data"]] == [theirs]
        assert [row["request_id"] for row in place.get(path, ADMIN_KEY).json["data"]] == [theirs]
    for asked in ("key-of-emil", label("key-of-emil")):
        path = f"/logs?limit=100&api_key={quote(asked)}"
        assert [row["request_id"] for row in place.get(path, "key-of-emil").json["data"]] == [mine]
    for nobody in ("key-of", label("nobody's"), label("key-of-fay")[:-1], "%", "…#"):
        assert place.get(f"/logs?api_key={quote(nobody)}", ADMIN_KEY).json["data"] == []


# "keys sat in the database as plain text"

LONG, SHORT = "sk-user-0f3a9c-long-enough", "q7x-zw"
LONGS_LABEL, SHORTS_LABEL = label(LONG), label(SHORT)
