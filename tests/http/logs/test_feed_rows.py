"""The fields of rows of the feed and of the stream other than scores, and the total of a page."""

import json
from typing import Any

import psycopg
import pytest

from tests.support.client import Client, send
from tests.support.documents import Document, action, call, load_trace, make_document, number, one_token
from tests.support.keys import ADMIN_KEY

NEW = ("prompt", "latency_ms", "tokens", "outcome", "ending", "has_exception")


def find_row(client: Client, request_id: str) -> dict[str, Any]:
    (row,) = [row for row in client.get("/logs").json["data"] if row["request_id"] == request_id]
    return {name: row[name] for name in NEW}


def post_answer(client: Client, request_id: str, response: dict[str, Any], **request: Any) -> None:
    body = {"request_id": request_id, "request": request, "response": response}
    assert client.post_bytes("/v1/ingest", json.dumps(body).encode(), x_api_key=ADMIN_KEY).status == 201


def test_a_trace_has_its_prompt_latency_tokens_and_ending(client: Client) -> None:
    trace = load_trace("force-prefix")
    assert client.ingest(trace).status == 201
    row = find_row(client, trace["request"]["request_id"])
    assert row["latency_ms"] == pytest.approx(862.098)
    row["latency_ms"] = None
    assert tuple(row.values()) == ("Should I trust this product?", None, 60, None, "length", False)
    log = client.log(trace["request"]["request_id"])["inference_stats"]
    assert (log["generated_tokens"], log["wall_time_ms"]) == (60, pytest.approx(862.098))


def test_a_response_has_the_reported_numbers(client: Client) -> None:
    choice = {"index": 0, "message": {"role": "assistant", "content": "Paris"}, "finish_reason": "stop"}
    messages = [{"role": "user", "content": "x" * 600}]
    post_answer(client, "r", {"choices": [choice], "usage": {"completion_tokens": 7}}, messages=messages)
    row = find_row(client, "r")
    assert (row["prompt"], row["tokens"], row["ending"], row["latency_ms"]) == ("x" * 500, 7, "stop", None)


@pytest.mark.parametrize(
    ("reason", "ending"),
    [("max_tokens", "length"), ("end_turn", "stop"), ("tool_use", "tool_calls"), ("content_filter", "content_filter")],
)
def test_reasons_of_different_servers_have_one_name(client: Client, reason: str, ending: str) -> None:
    post_answer(client, "r", {"choices": [{"index": 0, "text": "hm", "finish_reason": reason}]})
    assert find_row(client, "r")["ending"] == ending


def make_ended(*kinds: str, **request: Any) -> Document:
    calls = [call(0, mod="guard", exception_occurred="exception" in kinds)] if kinds else []
    actions = [action(kind) for kind in kinds if kind != "exception"]
    return make_document("r", number(one_token()), mod_calls=calls, actions=actions, request=request)


@pytest.mark.parametrize(
    ("document", "ending"),
    [
        (make_ended("EmitError", max_tokens=9), "error"),
        (make_ended("EmitError", "ToolCalls"), "tool_calls"),
        (make_ended("exception", max_tokens=9), "stop"),
        (make_ended(max_tokens=1), "length"),
        (make_ended(), None),
    ],
    ids=["error", "the last action counts", "an exception", "at the limit", "no limit"],
)
def test_actions_and_the_limit_tell_how_a_trace_ended(client: Client, document: Document, ending: str | None) -> None:
    assert client.ingest(document).status == 201
    assert find_row(client, "r")["ending"] == ending
    assert find_row(client, "r")["has_exception"] == any(one["exception_occurred"] for one in document["mod_calls"])


@pytest.mark.parametrize("value", ["12", True, -1, None, []])
def test_reported_numbers_of_a_wrong_type_are_ignored(client: Client, value: object) -> None:
    stats = {"wall_time_ms": value, "generated_tokens": value}
    assert client.ingest(make_document("r", number(one_token()), request={"inference_stats": stats})).status == 201
    assert (find_row(client, "r")["latency_ms"], find_row(client, "r")["tokens"]) == (None, 1)


def test_the_latest_outcome_is_shown_and_changes_the_version(client: Client) -> None:
    client.ingest(make_document("r", number(one_token())))
    before = client.get("/logs").headers["ETag"]
    for source, correct, outcome in (("a", True, "correct"), ("b", False, "incorrect"), ("b", None, "correct")):
        assert send(client, "POST", "/logs/r/outcome", ADMIN_KEY, source=source, correct=correct).status == 200
        assert find_row(client, "r")["outcome"] == outcome
    assert client.request("GET", "/logs", x_api_key=ADMIN_KEY, if_none_match=before).status == 200
    client.ingest(make_document("r", number(one_token())))
    assert find_row(client, "r")["outcome"] == "correct", "a new revision keeps the outcomes"


def test_a_page_counts_what_passes_the_filters(client: Client, sql: psycopg.Connection) -> None:
    for name in ("a", "b", "c"):
        client.ingest(make_document(name, request={"model": "m" if name == "a" else "n"}))

    def count(query: str) -> tuple[int | None, bool | None]:
        page = client.get(f"/logs?{query}").json
        return page["total"], page["total_is_bound"]

    assert count("") == count("total=true") == count("limit=1&total=true") == (3, False)
    assert count("limit=1") == (None, None), "it was not counted"
    assert count("limit=2&offset=2") == (3, False)
    assert count("offset=9") == (None, None)
    assert count("offset=9&total=true") == (3, False)
    assert count("model=n&limit=1&total=true") == count("q=b or c&total=true&limit=1".replace(" ", "+")) == (2, False)
    assert count("api_key=nobody&total=true") == (0, False)
    cursor = client.get("/logs?limit=2").json["next_cursor"]
    assert count(f"limit=2&cursor={cursor}") == (None, None)
    assert count(f"limit=2&cursor={cursor}&total=true") == (3, False)
    sql.execute("""
        insert into requests (request_id, created_at, posted_by, mods, total_steps, tokens, tokens_with_distribution,
            sampled_tokens, sampled_in_top_k, scored_tokens, forced_tokens, discarded_tokens, masked_tokens,
            interventions, backtracks)
        select 'many ' || n, now(), 'open', '{}', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 from generate_series(1, 9997) n
    """)
    assert count("limit=1&total=true") == (10_000, False)
    client.ingest(make_document("d"))
    assert count("limit=1&total=true") == (10_000, True)


def test_the_version_of_a_page_includes_its_total(client: Client) -> None:
    for name in ("a", "b"):
        client.ingest(make_document(name, request={"created_at": 7 if name == "a" else 9}))
    known = client.get("/logs?limit=1&total=true").headers["ETag"]
    again = client.request("GET", "/logs?limit=1&total=true", x_api_key=ADMIN_KEY, if_none_match=known)
    assert again.status == 304
    client.ingest(make_document("c", request={"created_at": 8}))
    again = client.request("GET", "/logs?limit=1&total=true", x_api_key=ADMIN_KEY, if_none_match=known)
    assert (again.status, again.json["total"], again.json["data"][0]["request_id"]) == (200, 3, "b")


def test_facets_count_the_callers_values(client: Client) -> None:
    client.ingest(make_document("a", request={"model": "m", "user_api_key": "key-of-ann"}))
    client.ingest(make_document("b", number(one_token()), mod_calls=[call(0, mod="nudge")], request={"model": "m"}))
    client.ingest(make_document("c", request={"model": "n"}))
    send(client, "POST", "/logs/a/tags", ADMIN_KEY, tag="good")
    facets = client.get("/v1/facets").json
    assert facets == {
        "models": [{"value": "m", "request_count": 2}, {"value": "n", "request_count": 1}],
        "mods": [{"value": "nudge", "request_count": 1}],
        "tags": [{"value": "good", "request_count": 1}],
        "sources": [{"value": "quote", "request_count": 3}],
        "counted": 3,
    }
    own = client.request("GET", "/v1/facets", None, x_api_key="key-of-ann").json
    assert (own["models"], own["mods"], own["counted"]) == ([{"value": "m", "request_count": 1}], [], 1)
    assert client.get("/v1/facets?mod=nudge").json["models"] == [{"value": "m", "request_count": 1}]
    assert client.get("/v1/facets?api_key=nobody").json["counted"] == 0
    assert client.get("/v1/facets?collection_id=7").status == 404
