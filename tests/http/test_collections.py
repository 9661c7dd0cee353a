"""Collections of a user's requests, and links to them."""

import base64
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import psycopg
import pytest

from tests.support import posts
from tests.support.client import Answer, Client, make_key, send
from tests.support.keys import ADMIN_KEY, label

ANN, BOB = "key-of-ann", "key-of-bob"
post = partial(posts.post, user=ANN)
FIELDS = {
    "id",
    "name",
    "description",
    "created_at",
    "updated_at",
    "created_by",
    "is_public",
    "public_token",
    "request_count",
}
MEMBER_FIELDS = {
    "request_id",
    "added_at",
    "added_by",
    "notes",
    "created_ts",
    "finished_ts",
    "model_id",
    "final_text",
}


@pytest.fixture(autouse=True)
def _requests(client: Client) -> None:
    post(client, "a1", model="m", final_text="text of a1")
    post(client, "a2")
    post(client, "b1", user=BOB)


def make(client: Client, name: str = "c", key: str = ANN, **fields: Any) -> Any:
    answer = send(client, "POST", "/collections", key, name=name, **fields)
    assert answer.status == 201, answer.data
    return answer.json["collection"]


def add(client: Client, collection: int, request_id: str, key: str = ANN, **fields: Any) -> Answer:
    return send(client, "POST", f"/collections/{collection}/requests", key, request_id=request_id, **fields)


def members(client: Client, collection: int, key: str = ANN) -> list[str]:
    shown = send(client, "GET", f"/collections/{collection}", key).json
    assert shown["total_requests"] == shown["collection"]["request_count"] == len(shown["requests"])
    return [row["request_id"] for row in shown["requests"]]


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


def test_the_engine_adds_a_request_with_its_users_key(client: Client) -> None:
    ingest_key = make_key(client, name="engine", scopes=["ingest"])["api_key"]
    basic = base64.b64encode(f"engine:{ingest_key}".encode()).decode()
    headers = {"x_api_key": ANN, "authorization": f"Basic {basic}", "content_type": "application/json"}
    for turn in range(2):
        names = client.request("GET", "/collections", None, **headers).json["collections"]
        assert [one["name"] for one in names] == ["runs"] * turn
        body = f'{{"name": "runs", "created_by": "{ANN}"}}'.encode()
        made = client.request("POST", "/collections", body, **headers)
        assert (made.status, made.json["message"]) == ((201, "collection created"), (200, "already exists"))[turn]
        collection = made.json["collection"]
        assert (collection["created_by"], collection["id"] >= 1) == (label(ANN), True)
        body = f'{{"request_id": "a1", "added_by": "{ANN}"}}'.encode()
        filed = client.request("POST", f"/collections/{collection['id']}/requests", body, **headers)
        assert (filed.status, filed.json["message"].split()[0]) == (200, ("added", "already")[turn])
    (row,) = send(client, "GET", f"/collections/{collection['id']}", ANN).json["requests"]
    assert row["added_by"] == label(ANN)


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


def test_adding_and_removing_are_idempotent_and_newest_members_come_first(client: Client) -> None:
    made = make(client)
    assert add(client, made["id"], "a1", notes="first").json["message"] == "added to collection"
    assert add(client, made["id"], "a2").json["message"] == "added to collection"
    assert add(client, made["id"], "a1", notes="second").json["message"] == "already in collection"
    assert members(client, made["id"]) == ["a2", "a1"]
    shown = send(client, "GET", f"/collections/{made['id']}?limit=1&offset=1", ANN).json
    assert [(row["request_id"], row["notes"]) for row in shown["requests"]] == [("a1", "first")]
    assert shown["collection"]["updated_at"] > made["updated_at"]
    path = f"/collections/{made['id']}/requests"
    for message in ("removed from collection", "was not in collection"):
        assert send(client, "DELETE", path, ANN, request_id="a1").json["message"] == message
    assert send(client, "DELETE", path, ANN, request_id="nobody").json["message"] == "was not in collection"
    assert members(client, made["id"]) == ["a2"]


def test_the_collections_of_a_request_are_listed_and_changed(client: Client) -> None:
    made, admins = make(client), make(client, "x", ADMIN_KEY)
    path = "/logs/a1/collections"
    added = send(client, "POST", path, ANN, collection_id=made["id"], notes="n")
    assert (added.json["request_id"], added.json["message"]) == ("a1", "added to collection")
    (shown,) = added.json["collections"]
    assert (set(shown), shown["id"], shown["request_count"]) == (FIELDS, made["id"], 1)
    assert send(client, "POST", path, ANN, collection_id=made["id"]).json["message"] == "already in collection"
    send(client, "POST", path, ADMIN_KEY, collection_id=admins["id"])
    for key, seen in ((ANN, [made]), (ADMIN_KEY, [admins, made])):
        listed = send(client, "GET", path, key).json["collections"]
        assert [one["id"] for one in listed] == [one["id"] for one in seen]
    removed = send(client, "DELETE", path, ANN, collection_id=made["id"]).json
    assert (removed["collections"], removed["message"]) == ([], "removed from collection")
    assert send(client, "DELETE", path, ANN, collection_id=made["id"]).json["message"] == "was not in collection"
    assert send(client, "DELETE", path, ANN, collection_id=admins["id"]).status == 404
    for bad in (0, -1, 2**63, "1", None, 1.5):
        assert send(client, "POST", path, ANN, collection_id=bad).status == 400


def test_other_callers_see_no_collections_of_a_public_request(client: Client) -> None:
    add(client, make(client)["id"], "a1")
    send(client, "POST", "/logs/a1/public", ANN)
    for key in (None, BOB):
        answer = send(client, "GET", "/logs/a1/collections", key)
        assert (answer.status, answer.json["collections"]) == (200, [])


def test_a_users_collection_contains_only_that_users_requests(client: Client) -> None:
    anns, admins = make(client), make(client, "x", ADMIN_KEY)
    send(client, "POST", "/logs/b1/public", BOB)
    assert add(client, anns["id"], "b1").status == 404, "another user's public request is rejected too"
    assert add(client, anns["id"], "b1", ADMIN_KEY).status == 409
    post(client, "orphan", user=None)
    assert add(client, anns["id"], "orphan", ADMIN_KEY).status == 409
    assert add(client, anns["id"], "a1", ADMIN_KEY).status == 200
    for request_id in ("a1", "b1", "orphan"):
        assert add(client, admins["id"], request_id, ADMIN_KEY).status == 200
    assert members(client, anns["id"]) == ["a1"]
    assert add(client, admins["id"], "b1", BOB).status == 404


def test_a_request_that_changes_its_owner_leaves_the_collections_also_during_concurrent_adds(client: Client) -> None:
    made = make(client)
    link = send(client, "POST", f"/collections/{made['id']}/public", ANN).json["public_url"]
    stop = threading.Event()

    def hand_over() -> None:
        for turn in range(20):
            post(client, "a1", user=(BOB, ANN)[turn % 2])
        post(client, "a1", user=BOB)
        stop.set()

    thread = threading.Thread(target=hand_over)
    thread.start()
    while not stop.is_set():
        assert add(client, made["id"], "a1", ADMIN_KEY).status in {200, 409}
        assert add(client, made["id"], "a1").status in {200, 404}
    thread.join()
    assert members(client, made["id"]) == []
    assert client.request("GET", f"{link}/request/a1").status == 404


def test_a_new_revision_stays_in_its_collections(client: Client) -> None:
    made = make(client)
    add(client, made["id"], "a1")
    post(client, "a1", final_text="another")
    assert send(client, "GET", f"/collections/{made['id']}", ANN).json["requests"][0]["final_text"] == "another"


def test_a_link_opens_the_collection_and_its_logs_and_reveals_no_key(client: Client) -> None:
    post(client, "a3", user="a-long-key-of-somebody-else", final_text="my key is a-long-key-of-somebody-else")
    made = make(client, f"{label(ANN)} s", ADMIN_KEY, description="d")
    for request_id in ("a1", "a3"):
        add(client, made["id"], request_id, ADMIN_KEY, added_by=ANN, notes="private")
    share = send(client, "POST", f"/collections/{made['id']}/public/", ADMIN_KEY).json
    assert set(share) == {"collection_id", "is_public", "public_token", "public_url", "message"}
    assert (share["collection_id"], share["is_public"]) == (made["id"], True)
    assert share["public_url"] == f"/share/{share['public_token']}"
    owned = send(client, "GET", f"/collections/{made['id']}", ADMIN_KEY).json["collection"]
    assert (owned["is_public"], owned["public_token"]) == (True, share["public_token"])
    answer = client.request("GET", f"{share['public_url']}/")
    shown = answer.json
    assert set(shown) == {"collection", "requests", "total_requests"}
    assert set(shown["collection"]) == {"id", "name", "description", "created_at", "request_count"}
    assert [set(row) for row in shown["requests"]] == [MEMBER_FIELDS] * 2
    assert (shown["collection"]["request_count"], shown["total_requests"]) == (2, 2)
    log = client.request("GET", f"{share['public_url']}/request/a3")
    assert (log.json["request_id"], log.json["user_api_key"], log.json["public_token"]) == ("a3", None, None)
    for text in (answer.data.decode(), log.data.decode()):
        for hidden in (ANN, "…#", "private", "a-long-key", share["public_token"]):
            assert hidden not in text
    assert client.request("GET", f"{share['public_url']}/request/a2").status == 404
    assert client.request("GET", f"{share['public_url']}/request/%00").status == 404
    assert client.request("GET", f"/share/request/{share['public_token']}").status == 404
    assert client.request("GET", "/logs/a3").status == 401
    page = client.request("GET", f"{share['public_url']}?limit=1&offset=1").json
    assert ([row["request_id"] for row in page["requests"]], page["total_requests"]) == (["a1"], 2)


@pytest.mark.parametrize("kept", [1, 5, 6, 8, 19])
def test_a_text_truncated_within_a_label_reveals_no_part_of_a_key(client: Client, kept: int) -> None:
    key, dots = "KLMNOPQRSTUVWXYZ", "." * (65_536 - len(label("x" * 16)) - kept)
    post(client, "a3", user=key, final_text=f"{key}{dots}{key} and more", model="." * (500 - kept) + key)
    made = make(client, "all", ADMIN_KEY)
    add(client, made["id"], "a3", ADMIN_KEY)
    share = send(client, "POST", f"/collections/{made['id']}/public", ADMIN_KEY).json
    (row,) = client.request("GET", share["public_url"]).json["requests"]
    page = client.request("GET", f"{share['public_url']}/request/a3", accept="text/html").data.decode()
    assert row["final_text"].startswith("…...")
    assert not set(key[:6]) & set(row["final_text"] + row["model_id"])
    assert key[:2] not in page


def test_the_link_of_a_request_opens_no_collection(client: Client) -> None:
    add(client, make(client)["id"], "a1")
    token = send(client, "POST", "/logs/a1/public", ANN).json["public_token"]
    assert client.request("GET", f"/share/{token}").status == 404
    assert client.request("GET", f"/share/{token}/request/a1").status == 404


def test_publishing_twice_returns_one_link_and_a_revoked_link_stops_working(client: Client) -> None:
    path = f"/collections/{make(client)['id']}/public"
    with ThreadPoolExecutor(8) as threads:
        futures = [threads.submit(send, client, "POST", path, ANN) for _ in range(8)]
        answers = [future.result() for future in futures]
    (link,) = {answer.json["public_url"] for answer in answers}
    assert client.request("GET", link).status == 200
    for message in ("link revoked", "not public"):
        back = send(client, "DELETE", path, ANN).json
        assert (back["is_public"], back["public_token"], back["public_url"]) == (False, None, None)
        assert back["message"] == message
    assert client.request("GET", link).status == 404
    again = send(client, "POST", path, ANN).json["public_url"]
    assert (again != link, client.request("GET", link).status) == (True, 404)


def test_the_page_of_a_link_names_the_collection_and_escapes_markup(client: Client) -> None:
    made = make(client, "<script>alert(1)</script>", description="<img src=x onerror=alert(2)>")
    add(client, made["id"], "a1")
    link = send(client, "POST", f"/collections/{made['id']}/public", ANN).json["public_url"]
    page = client.request("GET", link, None, accept="text/html").data.decode()
    assert "&lt;script&gt;alert(1)" in page
    assert "1 request. &lt;img" in page
    assert page.count("<script") == page.count('<script type="module" src="/viewer/app.js">') == 1
    assert "<img" not in page
    member = client.request("GET", f"{link}/request/a1", None, accept="text/html")
    assert (member.status, "text of a1" in member.data.decode()) == (200, True)
    assert client.request("GET", "/share/x", None, accept="text/html").status == 404
    assert client.request("GET", f"{link}/request/nobody", None, accept="text/html").status == 404


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


def test_tokens_are_not_stored_in_the_database(client: Client, sql: psycopg.Connection) -> None:
    token = send(client, "POST", f"/collections/{make(client)['id']}/public", ANN).json["public_token"]
    stored = sql.execute("select row_to_json(collections)::text from collections").fetchall()
    assert token not in str(stored)
    assert base64.urlsafe_b64decode(token + "=").hex() not in str(stored)


def test_the_feed_can_be_limited_to_a_collection_of_the_caller(client: Client) -> None:
    anns, admins = make(client), make(client, "x", ADMIN_KEY)
    add(client, anns["id"], "a1")
    for request_id in ("a1", "b1"):
        add(client, admins["id"], request_id, ADMIN_KEY)

    def feed(collection: int, key: str, more: str = "") -> list[str] | int:
        answer = send(client, "GET", f"/logs?collection_id={collection}{more}", key)
        return [row["request_id"] for row in answer.json["data"]] if answer.status == 200 else answer.status

    assert feed(anns["id"], ANN) == feed(anns["id"], ADMIN_KEY) == ["a1"]
    assert feed(admins["id"], ADMIN_KEY) == ["b1", "a1"]
    assert feed(admins["id"], ADMIN_KEY, "&sort=confidence&limit=1") == ["a1"]
    assert feed(admins["id"], ADMIN_KEY, f"&api_key={BOB}") == ["b1"]
    assert feed(admins["id"], ANN) == feed(anns["id"], BOB) == feed(9_999_999, ADMIN_KEY) == 404
    assert feed(0, ANN) == 400


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
