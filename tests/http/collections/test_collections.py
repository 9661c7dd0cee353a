"""Collections of a user's requests."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from tests.support.client import Client, make_key, send
from tests.support.collected import ANN, BOB, FIELDS, MEMBER_FIELDS, add, make, post
from tests.support.keys import ADMIN_KEY, label


def test_a_collection_has_the_documented_fields(client: Client) -> None:
    answer = send(client, "POST", "/collections/", ANN, name=" ünder ", description="what for", created_by="ann")
    made = answer.json["collection"]
    assert (answer.status, set(answer.json), set(made)) == (201, {"collection", "message"}, FIELDS)
    assert (made["name"], made["description"], made["created_by"]) == ("ünder", "what for", "ann")
    assert (made["is_public"], made["public_token"], made["request_count"]) == (False, None, 0)
    assert made["id"] >= 1
    listed = send(client, "GET", "/collections", ANN).json
    assert listed == {"collections": [made], "total": 1, "limit": 50, "offset": 0}
    added = add(client, made["id"], "a1", added_by="me", notes="look")
    assert (added.status, added.json["collection_id"], added.json["request_id"]) == (200, made["id"], "a1")
    shown = send(client, "GET", f"/collections/{made['id']}/", ANN).json
    assert {"collection", "requests", "total_requests"} <= set(shown)
    (row,) = shown["requests"]
    assert set(row) == MEMBER_FIELDS
    assert (row["request_id"], row["added_by"], row["notes"], row["model_id"]) == ("a1", "me", "look", "m")
    assert (row["final_text"], shown["total_requests"]) == ("text of a1", 1)


def test_names_are_unique_per_owner_also_with_concurrent_posts(client: Client) -> None:
    with ThreadPoolExecutor(8) as threads:
        futures = [threads.submit(send, client, "POST", "/collections", ANN, name="same") for _ in range(16)]
        answers = [future.result() for future in futures]
    assert sorted(answer.status for answer in answers) == [200] * 15 + [201]
    assert len({answer.json["collection"]["id"] for answer in answers}) == 1
    assert send(client, "POST", "/collections", BOB, name="same").status == 201
    assert send(client, "POST", "/collections", ADMIN_KEY, name="same").status == 201
    assert send(client, "POST", "/collections", ADMIN_KEY, name="same").status == 200
    boss = make_key(client, name="boss", is_admin=True, allowed_api_key=ANN)["api_key"]
    assert send(client, "POST", "/collections", boss, name="same").status == 200, (
        "the name of the admins' collection is free"
    )


def test_callers_see_their_own_collections(client: Client) -> None:
    anns, bobs, admins = make(client, "a"), make(client, "b", BOB), make(client, "x", ADMIN_KEY)
    bound = make_key(client, name="bound", allowed_api_key=ANN)["api_key"]
    unbound = make_key(client, name="unbound")["api_key"]
    nothing: list[Any] = []
    rows = ((ANN, [anns]), (bound, [anns]), (BOB, [bobs]), (unbound, nothing), (ADMIN_KEY, [admins, bobs, anns]))
    for key, seen in rows:
        listed = send(client, "GET", "/collections", key).json
        assert (listed["collections"], listed["total"]) == (seen, len(seen))
    refused = send(client, "POST", "/collections", unbound, name="mine")
    assert (refused.status, "not bound to a user" in refused.json["message"]) == (403, True)
    page = send(client, "GET", "/collections?limit=1&offset=1", ADMIN_KEY).json
    assert (page["collections"], page["total"], page["limit"], page["offset"]) == ([bobs], 3, 1, 1)
    assert send(client, "GET", "/collections?limit=0&offset=9", ADMIN_KEY).json["total"] == 3


def test_a_collection_can_be_renamed_described_and_deleted(client: Client) -> None:
    made, other = make(client, "one", description="d"), make(client, "two")
    path = f"/collections/{made['id']}"
    renamed = send(client, "PUT", path, ANN, name="uno").json["collection"]
    assert renamed == {**made, "name": "uno", "updated_at": renamed["updated_at"]}
    assert renamed["updated_at"] > made["updated_at"]
    assert send(client, "PUT", path, ANN, description=None).json["collection"]["description"] is None
    assert send(client, "PUT", path, ANN).json["collection"]["name"] == "uno"
    taken = send(client, "PUT", path, ANN, name="two")
    assert (taken.status, "another collection has this name" in taken.json["message"]) == (409, True)
    assert send(client, "PUT", path, ANN, name="  ").status == 400
    add(client, made["id"], "a1")
    gone = send(client, "DELETE", path, ANN)
    assert (gone.status, gone.json["id"]) == (200, made["id"])
    assert send(client, "GET", path, ANN).status == send(client, "DELETE", path, ANN).status == 404
    assert client.log("a1")["request_id"] == "a1", "the requests of a deleted collection remain"
    assert [one["id"] for one in send(client, "GET", "/collections", ANN).json["collections"]] == [other["id"]]


def test_a_user_key_in_any_field_is_stored_as_its_label(client: Client, sql: psycopg.Connection) -> None:
    made = make(client, ANN, created_by=ANN)
    assert (made["name"], made["created_by"]) == (label(ANN), label(ANN))
    long = "the-long-key-of-cleo"
    post(client, "c1", user=long)
    assert make(client, long, ADMIN_KEY, created_by=BOB)["name"] == label(long)
    renamed = send(client, "PUT", f"/collections/{made['id']}", ANN, name=long).json["collection"]
    assert renamed["name"] == label(long)
    assert make(client, BOB, ADMIN_KEY)["name"] == BOB, "a short text that equals a user API key may be a word"
    add(client, made["id"], "a1", added_by=ANN)
    stored = sql.execute("select * from collections, collection_members").fetchall()
    assert ANN not in str(stored)
    assert long not in str(stored)


@pytest.mark.parametrize("number", ["0", "-1", "x", "1.5", str(2**63), "%00"])
def test_an_invalid_collection_number_is_rejected(client: Client, number: str) -> None:
    assert client.get(f"/collections/{number}").status == 400


@pytest.mark.parametrize(
    "body",
    [{}, {"name": ""}, {"name": " "}, {"name": "n" * 201}, {"name": 5}, {"name": "n", "description": "d" * 10_001}],
)
def test_an_invalid_collection_is_rejected(client: Client, body: dict[str, Any]) -> None:
    refused = send(client, "POST", "/collections", ANN, **body)
    assert (refused.status, refused.json["message"].split(":")[0] in {"name", "description"}) == (400, True)
    assert send(client, "GET", "/collections", ANN).json["total"] == 0


def test_characters_that_postgres_cannot_store_are_replaced(client: Client) -> None:
    made = make(client, "a\0b", description="\0", created_by="x\0")
    assert (made["name"], made["description"], made["created_by"]) == ("a\ufffdb", "\ufffd", "x\ufffd")
    assert send(client, "PUT", f"/collections/{made['id']}", ANN, name="\0").json["collection"]["name"] == "\ufffd"
    assert add(client, made["id"], "a1", notes="\0", added_by="\0").status == 200
    assert add(client, made["id"], "\0").status == 404
    assert send(client, "DELETE", f"/collections/{made['id']}/requests", ANN, request_id="\0").status == 200
