"""The requests of a collection, and the collections of a request."""

import base64
import threading

from tests.support.client import Client, make_key, send
from tests.support.collected import ANN, BOB, FIELDS, add, make, members, post
from tests.support.keys import ADMIN_KEY, label


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


def test_notes_on_a_request_can_be_replaced_and_removed(client: Client) -> None:
    made = make(client)
    path = f"/collections/{made['id']}/requests"
    assert send(client, "PUT", path, ANN, request_id="a1", notes="n").json["message"] == "was not in collection"
    add(client, made["id"], "a1", notes="first")
    for notes, shown in (("second", "second"), (None, None), (ANN, label(ANN))):
        assert send(client, "PUT", path, ANN, request_id="a1", notes=notes).json["message"] == "notes changed"
        (row,) = send(client, "GET", f"/collections/{made['id']}", ANN).json["requests"]
        assert row["notes"] == shown
    assert send(client, "PUT", path, ANN, request_id="a1").status == 400
    assert send(client, "PUT", path, BOB, request_id="a1", notes="n").status == 404


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
