"""GET /v1/confidence/{request_id}/peers and /alternatives: a request compared with the caller's other requests."""

import json
import math
from typing import Any

import psycopg
import pytest

from core.statistics import store
from core.statistics.peers import MAX_INDEX
from tests.support.client import Client, send
from tests.support.documents import Document, action, added, call, forward, make_document, number, sampled
from tests.support.plans import explain

TEXTS = {5: "five", 6: "six", 7: "seven", 8: "eight", 9: "nine"}


def post_text(client: Client, name: str, *tokens: int, **parts: Any) -> None:
    """Post a trace of sampled tokens that answers the prompt "Count." of the model m."""
    events = [event for token in tokens for event in (forward(), sampled(token, TEXTS[token]), added(token))]
    request = {"model": "m", "user_prompt": "Count.", **parts.pop("request", {})}
    assert client.ingest(make_document(name, number(events), request=request, **parts)).status == 201


def make_sure(name: str, prob: float, created_at: str, **request: Any) -> Document:
    events = number([forward([{"token": 5, "logprob": math.log(prob), "token_str": "five"}]), sampled(), added(5)])
    return make_document(name, events, request={"model": "m", "created_at": f"{created_at}T00:00:00Z", **request})


def test_the_percentile_counts_the_requests_of_the_model_with_a_lower_confidence(client: Client) -> None:
    for place, prob in enumerate((0.1, 0.2, 0.3, 0.4, 0.5)):
        client.ingest(make_sure(f"r{place}", prob, f"2026-01-0{place + 1}"))
    client.ingest(make_sure("other", 0.01, "2026-01-09", model="n"))
    client.ingest(make_document("unscored", request={"model": "m", "created_at": "2026-01-08T00:00:00Z"}))
    found = client.get("/v1/confidence/r3/peers").json
    assert found["standing"] == {"model": "m", "n": 5, "lower": 3, "percentile": 70.0}
    assert (found["newer"], found["older"]) == ("r4", "r2")
    assert client.get("/v1/confidence/unscored/peers").json["standing"]["percentile"] is None
    last = client.get("/v1/confidence/r4/peers?model=m").json
    assert (last["newer"], last["older"]) == ("unscored", "r3")
    assert client.get("/v1/confidence/r0/peers").json["older"] is None
    assert client.get("/v1/confidence/r3/peers?min_confidence=0.45&model=m").json["older"] is None


def test_a_request_without_a_model_has_no_percentile(client: Client) -> None:
    client.ingest(make_sure("r", 0.5, "2026-01-01", model=None))
    standing = client.get("/v1/confidence/r/peers").json["standing"]
    assert standing == {"model": None, "n": 0, "lower": 0, "percentile": None}


def test_requests_with_the_same_prompt_are_listed_newest_first(client: Client) -> None:
    for name in ("a", "b", "c"):
        post_text(client, name, 5, 6, request={"final_text": name * 300, "active_mod_name": "nudge"})
    post_text(client, "d", 5, request={"user_prompt": "Sing."})
    peers = client.get("/v1/confidence/a/peers").json["same_prompt"]
    assert [one["request_id"] for one in peers] == ["c", "b"]
    assert peers[0]["text"] == "c" * store.PEER_TEXT_CHARS
    assert (peers[0]["active_mod"], peers[0]["model_id"]) == ("nudge", "m")
    assert peers[0]["created_ts"].endswith("Z")
    assert client.get("/v1/confidence/d/peers").json["same_prompt"] == []


def test_alternatives_are_the_next_tokens_of_requests_with_the_same_beginning(client: Client) -> None:
    post_text(client, "a", 5, 6, 7)
    post_text(client, "b", 5, 8, 9, 9)
    post_text(client, "c", 5, 8, 7)
    post_text(client, "same", 5, 6, 9)
    post_text(client, "ended", 5)
    post_text(client, "elsewhere", 6, 8)
    post_text(client, "model", 5, 8, request={"model": "n"})
    post_text(client, "prompt", 5, 8, request={"user_prompt": "Sing."})
    found = client.get("/v1/confidence/a/alternatives?index=1").json
    assert (found["request_id"], found["index"]) == ("a", 1)
    eight, six = found["alternatives"]
    assert (eight["token"], eight["token_text"], eight["requests"]) == (8, "eight", 2)
    assert [(one["request_id"], one["index"], one["following"]) for one in eight["examples"]] == [
        ("c", 1, "seven"),
        ("b", 1, "ninenine"),
    ]
    assert (six["token"], six["requests"], six["examples"][0]["following"]) == (6, 1, "nine")
    first = client.get("/v1/confidence/a/alternatives?index=0").json["alternatives"]
    assert {one["token"]: one["requests"] for one in first} == {5: 4, 6: 1}
    for index in (9, 2**15 - 1, MAX_INDEX):
        assert client.get(f"/v1/confidence/a/alternatives?index={index}").json["alternatives"] == []


def test_discarded_tokens_are_no_part_of_the_compared_texts(client: Client) -> None:
    post_text(client, "a", 5, 6)
    backtrack = {"mod_calls": [call(4)], "actions": [action("Backtrack", backtrack_steps=1)]}
    post_text(client, "b", 9, 5, 8, **backtrack)
    (found,) = client.get("/v1/confidence/a/alternatives?index=1").json["alternatives"]
    assert (found["token"], found["examples"][0]["index"]) == (8, 2)
    # From the other side: the second token that b kept is its third.
    (found,) = client.get("/v1/confidence/b/alternatives?index=2").json["alternatives"]
    assert (found["token"], found["examples"][0]["request_id"]) == (6, "a")
    assert client.get("/v1/confidence/b/alternatives?index=0").json["alternatives"] == []


def test_tokens_without_ids_are_compared_by_text(client: Client) -> None:
    def post(name: str, *texts: str) -> None:
        rows = [{"token": text, "logprob": -1.0, "top_logprobs": [{"token": text, "logprob": -1.0}]} for text in texts]
        choice = {"index": 0, "message": {"content": "".join(texts)}, "logprobs": {"content": rows}}
        request = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
        assert client.ingest({"request": request, "response": {"id": name, "choices": [choice]}}).status == 201

    post("a", "x", "y", "z")
    post("b", "x", "w", "v")
    post("c", "q", "w")
    (found,) = client.get("/v1/confidence/a/alternatives?index=1").json["alternatives"]
    assert (found["token"], found["token_text"], found["requests"]) == (None, "w", 1)
    assert found["examples"][0]["following"] == "v"


def test_users_see_only_their_own_peers(client: Client) -> None:
    for name, user in (("a", "user-a"), ("b", "user-a"), ("c", "user-b")):
        post_text(client, name, 5, 6 if name == "a" else 8, request={"user_api_key": user})
    own = send(client, "GET", "/v1/confidence/a/peers", "user-a").json
    assert [one["request_id"] for one in own["same_prompt"]] == ["b"]
    assert own["standing"]["n"] == 2
    assert "c" not in (own["newer"], own["older"])
    alternatives = send(client, "GET", "/v1/confidence/a/alternatives?index=1", "user-a").json["alternatives"]
    assert [one["requests"] for one in alternatives] == [1]
    assert [example["request_id"] for example in alternatives[0]["examples"]] == ["b"]
    for path in ("peers", "alternatives?index=1"):
        assert send(client, "GET", f"/v1/confidence/a/{path}", "user-b").status == 404
    # Another user's published request is not a peer either, nor does publishing it open its peers.
    assert send(client, "POST", "/logs/c/public", "user-b").status == 200
    assert send(client, "GET", "/v1/confidence/c/peers", "user-a").status == 404


@pytest.mark.parametrize("index", ["-1", "x", "200000", "1e9"])
def test_an_invalid_index_is_rejected(client: Client, index: str) -> None:
    post_text(client, "a", 5)
    answer = client.get(f"/v1/confidence/a/alternatives?index={index}")
    assert answer.status == 400
    assert "index" in answer.json["message"]


def test_the_prompt_is_found_by_its_index(client: Client, sql: psycopg.Connection) -> None:
    post_text(client, "a", 5, 6)
    sql.execute("set enable_seqscan = off")
    parameters: dict[str, Any] = {"request_id": "a", "owner": None, "candidates": store.MAX_CANDIDATES}
    plan = explain(
        sql, store.LIST_CONTINUATIONS, **parameters, index=1, limit=100, following=24, discarded=store.MAX_DISCARDED
    )
    assert '"step_logit_summaries_of_prompt"' in json.dumps(plan)
