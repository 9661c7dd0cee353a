"""What is in a collection: added and removed without harm done by a repeat, and never another user's request."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from tests.build import make_document
from tests.client import Client
from tests.conftest import ADMIN_KEY, label
from tests.http.test_collections import ANN, BOB, COLLECTION, make, post
from tests.test_two_processes import send


@pytest.fixture
def users(client: Client) -> Client:
    """Ann, Bob and nobody have requests."""
    for request_id, user in (("a1", ANN), ("a2", ANN), ("b1", BOB), ("orphan", None)):
        post(client, request_id, user)
    return client


@pytest.fixture
def other(database_url: str) -> Iterator[psycopg.Connection]:
    """A transaction beside the server's."""
    with psycopg.connect(database_url) as conn:
        yield conn


def add(client: Client, number: int, request_id: str, key: str = ANN, **fields: Any) -> tuple[int, str]:
    answer = send(client, "POST", f"/collections/{number}/requests", key, request_id=request_id, **fields)
    return answer.status, answer.json["message"]


def members(client: Client, number: int, query: str = "") -> list[str]:
    answer = send(client, "GET", f"/collections/{number}{query}", ADMIN_KEY)
    assert answer.status == 200, answer.data
    return [row["request_id"] for row in answer.json["requests"]]


def wait_for_a_lock(sql: psycopg.Connection) -> None:
    """Until somebody waits for another's lock."""
    query = "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    deadline = time.monotonic() + 10
    while sql.execute(query).fetchone() is None:
        assert time.monotonic() < deadline, "nobody waits"
        time.sleep(0.005)


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_repeat_says_so_and_changes_nothing(users: Client, slash: str) -> None:
    number = make(users)["id"]
    path = f"/collections/{number}/requests{slash}"
    first = send(users, "POST", path, ANN, request_id="a1", added_by="me", notes="first")
    assert first.json == {"collection_id": number, "request_id": "a1", "message": "added to the collection"}
    shown = send(users, "GET", f"/collections/{number}", ANN).json
    again = send(users, "POST", path, ANN, request_id="a1", added_by="you", notes="second")
    assert (again.status, again.json["message"]) == (200, "already in collection")
    assert send(users, "GET", f"/collections/{number}", ANN).json == shown
    assert shown["collection"]["updated_at"] > shown["collection"]["created_at"]
    for message in ("removed from the collection", "was not in collection"):
        gone = send(users, "DELETE", path, ANN, request_id="a1")
        assert (gone.status, gone.json) == (200, {"collection_id": number, "request_id": "a1", "message": message})
    empty = send(users, "GET", f"/collections/{number}", ANN).json
    assert (empty["requests"], empty["total_requests"], empty["collection"]["request_count"]) == ([], 0, 0)
    assert empty["collection"]["updated_at"] > shown["collection"]["updated_at"]


@pytest.mark.parametrize("slash", ["", "/"])
def test_the_same_from_the_request_s_end(users: Client, slash: str) -> None:
    first, second = make(users, name="one")["id"], make(users, name="two")["id"]
    make(users, name="three")
    path = f"/logs/a1/collections{slash}"
    assert send(users, "GET", path, ANN).json == {"request_id": "a1", "collections": [], "total": 0}
    for number in (first, second):
        added = send(users, "POST", path, ANN, collection_id=number, added_by=ANN, notes="n").json
        assert {*added} >= {"request_id", "collections", "message"}
        assert (added["collection_id"], added["message"]) == (number, "added to the collection")
    assert send(users, "POST", path, ANN, collection_id=first).json["message"] == "already in collection"
    listed = send(users, "GET", path, ANN).json
    assert [(one["id"], one["request_count"], set(one)) for one in listed["collections"]] == [
        (second, 1, COLLECTION),
        (first, 1, COLLECTION),
    ]
    assert listed["collections"] == added["collections"]
    page = send(users, "GET", f"{path}?limit=1&offset=1", ANN).json
    assert ([one["id"] for one in page["collections"]], page["total"]) == ([first], 2)
    assert send(users, "GET", f"{path}?offset=5", ANN).json["total"] == 2
    (row,) = send(users, "GET", f"/collections/{first}", ANN).json["requests"]
    assert (row["added_by"], row["notes"]) == (label(ANN), "n")
    for message in ("removed from the collection", "was not in collection"):
        gone = send(users, "DELETE", path, ANN, collection_id=second).json
        assert (gone["message"], [one["id"] for one in gone["collections"]]) == (message, [first])


def test_each_is_told_of_their_own_collections(users: Client) -> None:
    anns, admins = make(users)["id"], make(users, ADMIN_KEY)["id"]
    for number in (anns, admins):
        assert add(users, number, "a1", ADMIN_KEY)[0] == 200

    def ids(key: str | None) -> list[int]:
        return [one["id"] for one in send(users, "GET", "/logs/a1/collections", key).json["collections"]]

    assert (ids(ANN), ids(ADMIN_KEY)) == ([anns], [admins, anns])
    assert send(users, "GET", "/logs/a1/collections", BOB).status == 404
    assert send(users, "GET", "/logs/a1/collections").status == 401
    assert send(users, "POST", "/logs/a1/public", ANN).status == 200
    assert ids(BOB) == ids(None) == []
    assert send(users, "POST", "/logs/a1/collections", BOB, collection_id=make(users, BOB)["id"]).status == 404


def test_a_user_s_collection_holds_that_user_s_requests_alone(users: Client) -> None:
    anns, bobs, admins = (make(users, key)["id"] for key in (ANN, BOB, ADMIN_KEY))
    assert add(users, anns, "b1") == (404, "there is no request 'b1'")
    assert add(users, anns, "missing") == (404, "there is no request 'missing'")
    assert add(users, anns, "a\0") == (404, "there is no request 'a\\x00'")
    assert add(users, bobs, "a1") == (404, f"there is no collection {bobs}")
    assert add(users, admins, "a1")[0] == 404
    assert send(users, "DELETE", f"/collections/{anns}/requests", ANN, request_id="b1").status == 404
    for request_id in ("b1", "orphan"):
        status, message = add(users, anns, request_id, ADMIN_KEY)
        assert (status, message) == (409, "this collection is one user's, and the request is not theirs")
    assert add(users, anns, "a1", ADMIN_KEY)[0] == 200
    for request_id in ("a1", "b1", "orphan"):
        assert add(users, admins, request_id, ADMIN_KEY)[0] == 200
    assert (members(users, anns), members(users, bobs)) == (["a1"], [])
    assert members(users, admins) == ["orphan", "b1", "a1"]
    assert members(users, admins, "?limit=1&offset=1") == ["b1"]


@pytest.mark.parametrize(
    ("field", "value"),
    [("request_id", 5), ("request_id", None), ("added_by", "x" * 1001), ("notes", "x" * 10_001), ("notes", [])],
)
def test_what_does_not_fit_is_refused_with_its_place(users: Client, field: str, value: object) -> None:
    path = f"/collections/{make(users)['id']}/requests"
    refused = send(users, "POST", path, ANN, **{"request_id": "a1", field: value})
    assert (refused.status, refused.json["message"].split(":")[0]) == (400, field)
    for number in (0, -1, 2**63, 1.5, "1", None, True):
        refused = send(users, "POST", "/logs/a1/collections", ANN, collection_id=number)
        assert (refused.status, refused.json["message"].split(":")[0]) == (400, "collection_id")


def test_added_at_once_all_are_there_once(users: Client) -> None:
    number = make(users)["id"]
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda place: add(users, number, ("a1", "a2")[place % 2]), range(16)))
    assert sorted(message for _, message in answers) == ["added to the collection"] * 2 + ["already in collection"] * 14
    assert sorted(members(users, number)) == ["a1", "a2"]


def test_a_request_that_becomes_another_s_leaves_and_cannot_come_back(users: Client) -> None:
    anns, admins = make(users)["id"], make(users, ADMIN_KEY)["id"]
    for number in (anns, admins):
        add(users, number, "a1", ADMIN_KEY)
    post(users, "a1", ANN)
    assert members(users, anns) == members(users, admins) == ["a1"], "a new revision stays"
    post(users, "a1", BOB)
    assert members(users, anns) == members(users, admins) == []
    assert add(users, anns, "a1")[0] == 404


def test_a_request_whose_owner_is_being_changed_is_not_added(
    users: Client, sql: psycopg.Connection, other: psycopg.Connection
) -> None:
    number = make(users)["id"]
    other.execute("update requests set user_key_hmac = 'another' where request_id = 'a1'")
    with ThreadPoolExecutor(1) as threads:
        added = threads.submit(add, users, number, "a1")
        wait_for_a_lock(sql)
        other.commit()
        assert added.result() == (404, "there is no request 'a1'")
    assert members(users, number) == []


def test_a_request_that_is_just_being_added_leaves_with_its_owner(
    users: Client, sql: psycopg.Connection, other: psycopg.Connection
) -> None:
    number = make(users)["id"]
    other.execute("select from requests where request_id = 'a1' for share")
    other.execute("insert into collection_members select %s, id from requests where request_id = 'a1'", [number])
    with ThreadPoolExecutor(1) as threads:
        document = make_document("a1", request={"user_api_key": BOB})
        replaced = threads.submit(users.ingest, document, x_api_key=ADMIN_KEY)
        wait_for_a_lock(sql)
        other.commit()
        assert replaced.result().status == 201
    assert sql.execute("select count(*) from collection_members").fetchone() == (0,)


def test_what_got_into_a_user_s_collection_otherwise_is_not_shown(users: Client, sql: psycopg.Connection) -> None:
    number = make(users)["id"]
    sql.execute("insert into collection_members select %s, id from requests where request_id <> 'a2'", [number])
    link = send(users, "POST", f"/collections/{number}/public", ANN).json["public_url"]
    assert members(users, number) == ["a1"]
    assert [row["request_id"] for row in send(users, "GET", link).json["requests"]] == ["a1"]
    assert [send(users, "GET", f"{link}/request/{one}").status for one in ("a1", "b1", "orphan")] == [200, 404, 404]
    assert [row["request_id"] for row in send(users, "GET", f"/logs?collection_id={number}", ANN).json["data"]] == [
        "a1"
    ]


def test_a_collection_holds_so_many_requests_at_most(users: Client, sql: psycopg.Connection) -> None:
    number = make(users, ADMIN_KEY)["id"]
    sql.execute("""
        insert into requests (request_id, created_at, posted_by, mods, total_steps, tokens, tokens_with_distribution,
            sampled_tokens, sampled_in_top_k, scored_tokens, forced_tokens, discarded_tokens, masked_tokens,
            interventions, backtracks)
        select 'r' || n, now(), 'open', '{}', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 from generate_series(1, 9999) as n
    """)
    sql.execute("insert into collection_members select %s, id from requests where request_id like 'r%%'", [number])
    assert add(users, number, "a1", ADMIN_KEY)[0] == 200
    status, message = add(users, number, "a2", ADMIN_KEY)
    assert (status, "10000" in message) == (409, True)
    assert add(users, number, "a1", ADMIN_KEY) == (200, "already in collection")
    assert send(users, "DELETE", f"/collections/{number}", ADMIN_KEY).status == 200
    assert sql.execute("select count(*) from collection_members").fetchone() == (0,)
