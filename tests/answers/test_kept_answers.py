"""Answers under attack, in groups of several owners, shared, streamed, and in as few round trips as a trace."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.answers import make_chat, post
from tests.support.client import Client, make_key, send
from tests.support.keys import ADMIN_KEY
from tests.support.model_server import make_chunks


def make_group(*texts: str, **fields: Any) -> dict[str, Any]:
    return {"request_id": "g", "request": {}, "response": make_chat(*texts), **fields}


def nest(depth: int, value: str = "1") -> str:
    return '{"a":' * depth + value + "}" * depth


@pytest.mark.parametrize("depth", [100, 240, 900, 100_000])
@pytest.mark.parametrize("place", ["metadata", "request", "chunk", "response"])
def test_deep_items_are_stored_or_refused(client: Client, place: str, depth: int) -> None:
    chunk = json.dumps(next(make_chunks({"model": "m", "logprobs": True})))
    bodies = {
        "metadata": f'{{"request": {{}}, "metadata": {nest(depth)}, "response": {json.dumps(make_chat("a"))}}}',
        "request": f'{{"request": {{"messages": {nest(depth)}}}, "response": {json.dumps(make_chat("a"))}}}',
        "chunk": f'[{chunk}, {chunk[:-1]}, "x": {nest(depth)}}}]',
        "response": f'{{"choices": [{{"text": "a", "logprobs": null, "x": {nest(depth)}}}]}}',
    }
    assert client.post_bytes("/v1/ingest", bodies[place].encode()).status in {201, 400}


@pytest.mark.parametrize(
    "metadata",
    [
        json.dumps({"a": "\0"}),
        json.dumps({"a": 2**63}),
        json.dumps({"k" * 100_000: 1}),
        json.dumps({"a": "x" * 4_000_000}),
        json.dumps({f"k{i}": None for i in range(50_000)}),
        '{"a":1,"a":2}',
        '{"":{}}',
    ],
    ids=["U+0000", "large number", "long key", "large text", "many keys", "key twice", "empty key"],
)
def test_metadata_of_any_content_is_kept(client: Client, metadata: str) -> None:
    body = f'{{"request_id": "m", "request": {{}}, "metadata": {metadata}, "response": {json.dumps(make_chat("a"))}}}'
    assert client.post_bytes("/v1/ingest", body.encode()).status == 201
    assert client.log("m")["request_tags"] == json.loads(metadata)


@pytest.mark.parametrize("metadata", ["[]", "1", '"x"', "true"])
def test_metadata_of_another_type_is_refused(client: Client, metadata: str) -> None:
    body = f'{{"request": {{}}, "metadata": {metadata}, "response": {json.dumps(make_chat("a"))}}}'
    answer = client.post_bytes("/v1/ingest", body.encode())
    assert (answer.status, answer.json["error"].startswith("metadata: ")) == (400, True)


@pytest.mark.parametrize("name", ["choices", "candidates"])
@pytest.mark.parametrize("value", [None, 1, "x", [], [1], [None, None], {}, [{}], [[]]])
def test_odd_choices_are_stored_or_refused(client: Client, name: str, value: object) -> None:
    assert post(client, {name: value, "usage": 7}).status in {201, 207, 400}


def test_too_many_answers_are_refused(client: Client) -> None:
    answer = post(client, make_group(*["a"] * 129))
    assert (answer.status, answer.json["error"]) == (400, "response: has 129 answers; at most 128 are allowed")


def test_a_group_with_another_owner_s_member_is_left_alone(client: Client) -> None:
    assert post(client, make_group("a", "b", user_api_key="the first owner")).status == 207
    key = make_key(client, name="bob", scopes=["ingest"], allowed_api_key="the second owner")["api_key"]
    for texts in (("c",), ("c", "d"), ("c", "d", "e")):
        answer = client.post_bytes("/v1/ingest", json.dumps(make_group(*texts)).encode(), x_api_key=key)
        assert (answer.status, "another owner" in answer.json["error"]) == (409, True)
    rows = client.get("/logs").json["data"]
    assert sorted((row["request_id"], row["final_text"]) for row in rows) == [("g~0", "a"), ("g~1", "b")]


def test_a_member_on_hold_holds_its_group(client: Client) -> None:
    assert post(client, make_group("a", "b")).status == 207
    assert send(client, "PUT", "/logs/g~1/hold", ADMIN_KEY, reason="a case").status == 200
    assert post(client, make_group("c"), x_api_key=ADMIN_KEY).status == 409
    assert sorted(row["request_id"] for row in client.get("/logs").json["data"]) == ["g~0", "g~1"]


def test_an_answer_is_shared_like_a_trace(client: Client) -> None:
    assert post(client, make_group("a", user_api_key="the owner's own key")).status == 201
    token = send(client, "POST", "/logs/g/public", ADMIN_KEY).json["public_token"]
    shared = client.request("GET", f"/share/request/{token}")
    assert (shared.status, shared.json["source"], shared.json["final_text"]) == (200, "openai", "a")
    assert shared.json["user_api_key"] is None


def test_a_server_s_number_is_the_id_of_its_response(client: Client) -> None:
    assert post(client, make_chat("a") | {"id": 12345}).json["request_id"] == "12345"
    assert client.log("12345")["final_text"] == "a"


def test_the_stream_has_source_and_group_and_filters_by_both(client: Client) -> None:
    assert post(client, make_group("a", "b")).status == 207
    assert client.ingest({"request": {"request_id": "q"}}).status == 201
    for query, expected in [
        ("", [("g~0", "openai", "g"), ("g~1", "openai", "g"), ("q", "quote", None)]),
        ("&source=quote", [("q", "quote", None)]),
        ("&group_id=g", [("g~0", "openai", "g"), ("g~1", "openai", "g")]),
    ]:
        assert read_stream(client, query, len(expected)) == expected


def read_stream(client: Client, query: str, count: int) -> list[tuple[str, str, str | None]]:
    headers = {"Accept": "text/event-stream", "X-API-Key": client.key}
    url = f"{client.url}/logs/stream?last_event_id=1:1:{query}"
    response = client.pool.request("GET", url, headers=headers, preload_content=False)
    rows: list[tuple[str, str, str | None]] = []
    for line in response:
        if line.startswith(b"data: "):
            row = json.loads(line[6:])["data"]
            rows.append((row["request_id"], row["source"], row["group_id"]))
            if len(rows) == count:
                break
    response.close()
    return rows


CASES = sorted((Path(__file__).parents[1] / "cases").glob("*.json"))
NOT_STORED = {"quote_engine_float32_list"}
"""A Quote trace, with other facts."""


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_an_unusual_response_is_stored_as_it_is_scored(client: Client, path: Path) -> None:
    body = path.read_bytes()
    scored = client.post_bytes("/v1/score", body, x_api_key=client.key)
    answer = client.post_bytes("/v1/ingest", body)
    if path.stem in NOT_STORED:
        assert answer.status == 201
    elif scored.status == 200:
        assert answer.status == 201, answer.data
        report = client.get(f"/v1/confidence/{answer.json['request_id']}").json
        assert report.pop("request_id") == answer.json["request_id"]
        more = {"json", "n", "spans", "votes"}  # other routes have these for stored requests
        assert report == {key: value for key, value in scored.json.items() if key not in more}
    else:
        assert (answer.status == 201 and "no logprobs" in answer.json["warnings"][0]) or answer.status == 400


@pytest.mark.parametrize("form", ["item", "list", "span"])
def test_large_bodies_are_read_in_the_separate_process(client: Client, form: str) -> None:
    chat = make_chat("a") | {"padding": ["x" * 1000] * 5000}
    if form == "span":
        attributes = [
            {"key": key, "value": {"stringValue": value}} for key, value in make_llm(json.dumps(chat)).items()
        ]
        span = {"traceId": "1" * 32, "spanId": "2" * 16, "attributes": attributes}
        body = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}).encode()
        assert client.post_bytes("/v1/traces", body).json == {}
    else:
        assert post(client, [chat] if form == "list" else chat).status == (207 if form == "list" else 201)
    (row,) = client.get("/logs").json["data"]
    assert row["sequence_confidence"] == pytest.approx(0.5)
    assert client.log(row["request_id"])["final_text"] == "a"


def make_llm(output: str) -> dict[str, str]:
    return {"openinference.span.kind": "LLM", "output.value": output}
