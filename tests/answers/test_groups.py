"""Several answers to one prompt."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.support.answers import REQUEST, make_chat, post
from tests.support.client import Client, send
from tests.support.documents import make_document
from tests.support.keys import ADMIN_KEY


def test_answers_of_a_group_are_separate_requests(client: Client) -> None:
    item = {"request_id": "g", "request": REQUEST, "response": make_chat("one", "two", "three")}
    answer = post(client, item)
    assert answer.status == 207
    ids = ["g~0", "g~1", "g~2"]
    assert [(row["index"], row["request_id"], row["status"]) for row in answer.json["results"]] == [
        (index, name, 201) for index, name in enumerate(ids)
    ]
    assert [client.log(name)["final_text"] for name in ids] == ["one", "two", "three"]
    assert {client.log(name)["group_id"] for name in ids} == {"g"}
    assert client.get("/logs/g~1/trace").data == json.dumps(item).encode()
    calls = [
        *(("GET", path) for path in ("", "/trace", "/outcome", "/collections")),
        ("POST", "/public"),
        ("DELETE", ""),
    ]
    for method, path in calls:
        missing = send(client, method, f"/logs/g{path}", ADMIN_KEY)
        assert (missing.status, "/logs?group_id=g" in missing.json["error"]) == (404, True), path
    listed = client.get("/logs?group_id=g").json["data"]
    assert sorted(row["request_id"] for row in listed) == ids


def test_posting_a_group_again_replaces_all_of_it(client: Client) -> None:
    def ids() -> list[str]:
        return sorted(row["request_id"] for row in client.get("/logs").json["data"])

    def item(*texts: str) -> dict[str, Any]:
        return {"request_id": "g", "request": {}, "response": make_chat(*texts)}

    for texts, expected in [
        (("a",), ["g"]),
        (("a", "b", "c"), ["g~0", "g~1", "g~2"]),
        (("a", "b"), ["g~0", "g~1"]),
        (("a",), ["g"]),
    ]:
        post(client, item(*texts))
        assert ids() == expected


def test_quote_traces_have_the_group_that_they_name(client: Client) -> None:
    for number in range(2):
        client.ingest(make_document(f"sample-{number}", request={"group_id": "g"}))
    assert {client.log(f"sample-{number}")["group_id"] for number in range(2)} == {"g"}
    # Neither an item with the id of the group nor a replaced trace deletes the other samples.
    post(client, {"request_id": "g", "request": {}, "response": make_chat("one")})
    client.ingest(make_document("sample-0", request={"group_id": "h"}))
    listed = client.get("/logs?group_id=g").json["data"]
    assert [row["request_id"] for row in listed] == ["sample-1"]
    assert client.log("sample-0")["group_id"] == "h"


@pytest.mark.parametrize("unusable", [7, "", "a/b", ["g"], {"id": "g"}, "stream", "g" * 513])
def test_a_group_that_cannot_be_an_id_is_ignored_with_a_warning(client: Client, unusable: object) -> None:
    answer = client.ingest(make_document(request={"group_id": unusable}))
    assert (answer.status, answer.json["warnings"]) == (
        201,
        ["request.group_id: ignored; send a text that can be a request_id"],
    )
    assert client.log("r1")["group_id"] is None


def test_one_invalid_answer_rejects_its_group(client: Client) -> None:
    chat = make_chat("one", "two")
    chat["choices"][1]["logprobs"]["content"][0]["logprob"] = 1.5
    answer = post(client, chat)
    assert answer.status == 400
    assert answer.json["error"].startswith("choices[1].logprobs.content[0].logprob")
    assert client.get("/logs").json["data"] == []


def test_concurrent_posts_of_a_group_leave_one_of_them(client: Client) -> None:
    def send(count: int) -> int:
        texts = [str(count)] * count
        return post(client, {"request_id": "g", "request": {"model": "m"}, "response": make_chat(*texts)}).status

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(send, [1, 2, 3, 4] * 6))
    assert set(statuses) == {201, 207}
    rows = client.get("/logs").json["data"]
    assert {row["final_text"] for row in rows} == {str(len(rows))}
    ids = ["g"] if len(rows) == 1 else [f"g~{i}" for i in range(len(rows))]
    assert sorted(row["request_id"] for row in rows) == ids
