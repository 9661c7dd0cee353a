"""A collection's link: it opens the collection and the logs in it, tells no key, and dies for good."""

import base64
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from tests.build import call, make_document, number, one_token
from tests.client import Client
from tests.conftest import ADMIN_KEY, label
from tests.http.test_collection_members import add
from tests.http.test_collections import MEMBER, make, post
from tests.test_two_processes import send

ANN = "key-of-ann-which-is-long"
SHARE = {"collection_id", "is_public", "public_token", "public_url", "message"}


@pytest.fixture
def public(client: Client) -> tuple[Client, int, str]:
    """A public collection of Ann's, with her request in it whose every text holds her key."""
    mod = f"nudge@{ANN}"
    document = make_document(
        "a1",
        number(one_token()),
        mod_calls=[call(1, mod=mod)],
        request={"user_api_key": ANN, "active_mod_name": mod, "model": f"m of {ANN}", "final_text": f"by {ANN}."},
    )
    assert client.ingest(document, x_api_key=ADMIN_KEY).status == 201
    post(client, "a2", ANN)
    made = make(client, ANN, description=f"{label(ANN)}'s", created_by=ANN)["id"]
    assert add(client, made, "a1", ANN, notes=f"by {ANN}")[0] == 200
    return client, made, publish(client, made)["public_url"]


def publish(client: Client, made: int, key: str = ANN) -> dict[str, Any]:
    answer = send(client, "POST", f"/collections/{made}/public", key)
    assert answer.status == 200, answer.data
    return answer.json


def unpublish(client: Client, made: int) -> dict[str, Any]:
    answer = send(client, "DELETE", f"/collections/{made}/public", ANN)
    assert answer.status == 200, answer.data
    return answer.json


@pytest.mark.parametrize("slash", ["", "/"])
def test_publishing_answers_a_link_and_again_the_same(public: tuple[Client, int, str], slash: str) -> None:
    client, made, link = public
    share = send(client, "POST", f"/collections/{made}/public{slash}", ANN).json
    assert set(share) == SHARE
    assert (share["collection_id"], share["is_public"], share["public_url"]) == (made, True, link)
    assert share["public_url"] == f"/share/{share['public_token']}"
    assert len(base64.urlsafe_b64decode(share["public_token"] + "=")) == 32
    assert publish(client, made, ADMIN_KEY) == share
    for key in (ANN, ADMIN_KEY):
        shown = send(client, "GET", f"/collections/{made}", key).json["collection"]
        assert (shown["is_public"], shown["public_token"]) == (True, share["public_token"])
        assert shown["updated_at"] == send(client, "GET", "/collections", key).json["collections"][0]["updated_at"]
    assert send(client, "GET", link + slash).status == 200


def test_a_link_taken_back_is_dead_for_good(public: tuple[Client, int, str]) -> None:
    client, made, link = public
    dead = [link]
    for _ in range(2):
        share = unpublish(client, made)
        assert share | {"message": ""} == {
            "collection_id": made,
            "is_public": False,
            "public_token": None,
            "public_url": None,
            "message": "",
        }
        assert send(client, "GET", f"/collections/{made}", ANN).json["collection"]["public_token"] is None
        dead.append(publish(client, made)["public_url"])
    assert len(set(dead)) == 3
    for path in ("", "/request/a1"):
        assert [send(client, "GET", one + path).status for one in dead] == [404, 404, 200]
    assert unpublish(client, made)["message"] != unpublish(client, made)["message"]
    alive = publish(client, made)["public_url"]
    assert send(client, "DELETE", f"/collections/{made}", ANN).status == 200
    assert send(client, "GET", alive).status == send(client, "GET", f"{alive}/request/a1").status == 404


def test_a_shared_collection_has_the_fields_of_the_contract_and_tells_no_key(public: tuple[Client, int, str]) -> None:
    client, made, link = public
    send(client, "POST", "/logs/a1/tags", ANN, tag=ANN)
    for key in (None, ANN, ADMIN_KEY, "key-of-bob"):
        answer = send(client, "GET", f"{link}/", key)
        assert answer.status == 200
        page = answer.json
        assert {*page} >= {"collection", "requests", "total_requests"}
        collection = page["collection"]
        assert set(collection) == {"id", "name", "description", "created_at", "request_count"}
        assert (collection["id"], collection["name"], collection["description"]) == (made, "c", "…'s")
        assert collection["request_count"] == page["total_requests"] == 1
        (row,) = page["requests"]
        assert set(row) == MEMBER
        assert (row["request_id"], row["added_by"], row["notes"]) == ("a1", None, None)
        assert (row["model_id"], row["final_text"]) == ("m of…", "by….") or "…" in row["final_text"]
        log = send(client, "GET", f"{link}/request/a1", key)
        assert log.json["request_id"] == "a1"
        assert (log.json["user_api_key"], log.json["public_token"], log.json["is_public"]) == (None, None, False)
        for text in (answer.data, log.data, json.dumps([page, log.json], ensure_ascii=False).encode()):
            for hidden in (ANN, label(ANN), label(ANN)[-12:], link.rpartition("/")[2]):
                assert hidden.encode() not in text
    assert "…#" in send(client, "GET", "/logs/a1", ANN).data.decode()


def test_a_link_opens_what_is_in_the_collection_and_nothing_else(public: tuple[Client, int, str]) -> None:
    client, made, link = public
    for request_id in ("a2", "missing", "%00", "%F0%9F%99%82", "x" * 3000):
        assert send(client, "GET", f"{link}/request/{request_id}").status == 404
    assert send(client, "GET", "/logs/a1").status == 401, "by its id it is as private as before"
    assert add(client, made, "a2", ANN)[0] == 200
    assert send(client, "GET", f"{link}/request/a2/").status == 200
    page = send(client, "GET", f"{link}?limit=1&offset=1").json
    assert ([row["request_id"] for row in page["requests"]], page["total_requests"]) == (["a1"], 2)
    assert (page["limit"], page["offset"]) == (1, 1)
    send(client, "DELETE", f"/collections/{made}/requests", ANN, request_id="a2")
    assert send(client, "GET", f"{link}/request/a2").status == 404
    post(client, "a1", "key-of-bob")
    assert send(client, "GET", f"{link}/request/a1").status == 404, "it is another's now"
    assert send(client, "GET", link).json["requests"] == []


def test_the_admins_collections_open_anybody_s(public: tuple[Client, int, str]) -> None:
    client, _, _ = public
    admins = make(client, ADMIN_KEY)["id"]
    add(client, admins, "a1", ADMIN_KEY)
    link = publish(client, admins, ADMIN_KEY)["public_url"]
    assert send(client, "GET", f"{link}/request/a1").status == 200
    assert send(client, "GET", f"/collections/{admins}", ANN).status == 404


def test_a_log_by_a_collection_s_link_is_asked_for_again_by_its_tag(public: tuple[Client, int, str]) -> None:
    client, _, link = public
    first = client.request("GET", f"{link}/request/a1")
    again = client.request("GET", f"{link}/request/a1", None, if_none_match=first.headers["ETag"])
    assert (again.status, again.data) == (304, b"")


def test_what_is_no_link_is_not_found_whatever_it_is(public: tuple[Client, int, str], sql: psycopg.Connection) -> None:
    client, made, link = public
    token = link.rpartition("/")[2]
    own = send(client, "POST", "/logs/a1/public", ANN).json["public_token"]
    for text in ("x", token[:-1], token + "A", token.swapcase(), "%00", "%F0%9F%99%82", "x" * 3000, str(made), own):
        assert send(client, "GET", f"/share/{text}").status == 404, text
        assert send(client, "GET", f"/share/{text}/request/a1").status == 404, text
    assert send(client, "GET", f"/share/request/{token}").status == 404
    assert send(client, "GET", "/share/request").status == 404
    stored = str(sql.execute("select * from collections").fetchall())
    assert token not in stored
    (digest,) = sql.execute("select share_token_hash from collections").fetchone() or (b"",)
    assert send(client, "GET", f"/share/{base64.urlsafe_b64encode(digest).decode().rstrip('=')}").status == 404


def test_publishing_and_taking_back_at_once_leaves_either(public: tuple[Client, int, str]) -> None:
    client, made, link = public
    with ThreadPoolExecutor(8) as threads:
        assert {share["public_url"] for share in threads.map(lambda _: publish(client, made), range(8))} == {link}
        answers = list(threads.map(lambda act: act(client, made), [publish, unpublish] * 8))
    shown = send(client, "GET", f"/collections/{made}", ANN).json["collection"]
    links = {answer["public_url"] for answer in answers if answer["public_url"]}
    alive = {one for one in links if send(client, "GET", one).status == 200}
    assert alive == ({f"/share/{shown['public_token']}"} if shown["is_public"] else set())
