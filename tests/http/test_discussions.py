"""Comments: callers who may see a request write, edit, delete and count them."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import psycopg
import pytest

from tests.support.client import Client, send
from tests.support.documents import make_document
from tests.support.keys import ADMIN_KEY, label

PATH = "/logs/r1/discussions"
FIELDS = {"id", "request_id", "username", "comment", "created_at", "updated_at"}


@pytest.fixture(autouse=True)
def _request(client: Client) -> None:
    assert client.ingest(make_document(request={"user_api_key": "key-of-ann"})).status == 201


def write(client: Client, comment: str = "hm", key: str = ADMIN_KEY, username: str = "ann") -> Any:
    answer = send(client, "POST", PATH, key, username=username, comment=comment)
    assert answer.status == 201, answer.data
    return answer.json["discussion"]


def test_a_comment_has_the_documented_fields(client: Client) -> None:
    answer = send(client, "POST", f"{PATH}/", "key-of-ann", username=" ann ", comment="  two\nlines ‟ünder” ")
    made = answer.json["discussion"]
    assert (answer.status, set(answer.json), set(made)) == (201, {"discussion", "message"}, FIELDS)
    assert (made["request_id"], made["username"], made["comment"]) == ("r1", "ann", "two\nlines ‟ünder”")
    assert made["id"] >= 1
    assert made["updated_at"] == made["created_at"]
    assert datetime.fromisoformat(made["created_at"]).utcoffset() is not None
    listed = client.get(PATH).json
    assert listed == {"request_id": "r1", "discussions": [made], "total": 1, "limit": 50, "offset": 0}
    assert client.get(f"{PATH}/{made['id']}/").json == made


def test_an_edited_comment_is_marked(client: Client) -> None:
    made = write(client)
    answer = send(client, "PUT", f"{PATH}/{made['id']}", ADMIN_KEY, comment="better")
    edited = answer.json["discussion"]
    assert (answer.status, set(answer.json)) == (200, {"discussion", "message"})
    assert edited == {**made, "comment": "better", "updated_at": edited["updated_at"]}
    assert edited["updated_at"] > edited["created_at"] == made["created_at"]
    assert client.get(f"{PATH}/{made['id']}").json == edited


def test_a_deleted_comment_is_removed_and_not_counted(client: Client) -> None:
    first, second = write(client), write(client)
    assert client.log("r1")["discussion_count"] == client.get("/logs").json["data"][0]["discussion_count"] == 2
    gone = send(client, "DELETE", f"{PATH}/{first['id']}", ADMIN_KEY)
    assert (gone.status, gone.json) == (200, {"id": first["id"], "message": gone.json["message"]})
    for method in ("GET", "PUT", "DELETE"):
        body = {"comment": "x"} if method == "PUT" else {}
        assert send(client, method, f"{PATH}/{first['id']}", ADMIN_KEY, **body).status == 404
    assert client.get(PATH).json["discussions"] == [second]
    assert client.log("r1")["discussion_count"] == client.get(PATH).json["total"] == 1


def test_comments_are_listed_in_pages_oldest_first(client: Client) -> None:
    made = [write(client, f"c{number}") for number in range(5)]
    assert client.get(PATH).json["discussions"] == made
    page = client.get(f"{PATH}?limit=2&offset=3").json
    assert (page["discussions"], page["total"], page["limit"], page["offset"]) == (made[3:], 5, 2, 3)
    clamped = client.get(f"{PATH}?limit=1000&offset=-1").json
    assert (clamped["limit"], clamped["offset"], len(clamped["discussions"])) == (100, 0, 5)
    beyond = client.get(f"{PATH}?offset=9").json
    assert (beyond["discussions"], beyond["total"]) == ([], 5)


def test_concurrent_writes_and_deletions_are_counted_once(client: Client) -> None:
    old = [write(client) for _ in range(10)]

    def act(index: int) -> int:
        if index % 3:
            return send(client, "DELETE", f"{PATH}/{old[index // 3]['id']}", ADMIN_KEY).status
        return send(client, "POST", PATH, ADMIN_KEY, username="bob", comment=str(index)).status

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(act, range(30)))
    assert sorted(answers) == [200] * 10 + [201] * 10 + [404] * 10, (
        "only one of two concurrent deletions finds the comment"
    )
    listed = client.get(PATH).json
    assert listed["total"] == len(listed["discussions"]) == client.log("r1")["discussion_count"] == 10


def test_a_new_revision_keeps_its_comments(client: Client) -> None:
    made = write(client)
    client.ingest(make_document(request={"user_api_key": "key-of-ann"}))
    assert client.get(PATH).json["discussions"] == [made]
    assert client.log("r1")["discussion_count"] == 1


def test_other_callers_see_no_comments_of_a_public_request(client: Client) -> None:
    made = write(client, "a secret")
    assert client.request("GET", PATH).status == 401
    send(client, "POST", "/logs/r1/public", "key-of-ann")
    client.ingest(make_document("r2", request={"user_api_key": "key-of-bob"}))
    for key in (None, "key-of-bob"):
        answer = send(client, "GET", PATH, key)
        assert (answer.status, answer.json["discussions"], answer.json["total"]) == (200, [], 0)
        assert send(client, "GET", f"{PATH}/{made['id']}", key).status == 404
    assert send(client, "GET", PATH, "key-of-ann").json["total"] == 1


def test_a_comment_is_found_only_under_its_request(client: Client) -> None:
    made = write(client)
    client.ingest(make_document("r2", request={"user_api_key": "key-of-ann"}))
    other = f"/logs/r2/discussions/{made['id']}"
    assert client.get(other).status == 404
    assert send(client, "PUT", other, ADMIN_KEY, comment="x").status == 404
    assert send(client, "DELETE", other, ADMIN_KEY).status == 404
    assert client.get(f"{PATH}/{made['id']}").json == made


def test_a_user_key_as_a_name_is_stored_as_its_label(client: Client) -> None:
    for key in ("key-of-ann", ADMIN_KEY):
        assert write(client, key=key, username="key-of-ann")["username"] == label("key-of-ann")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"username": "ann"},
        {"comment": "hm"},
        {"username": "", "comment": "hm"},
        {"username": "ann", "comment": "  \n "},
        {"username": "a" * 201, "comment": "hm"},
        {"username": "ann", "comment": "x" * 10_001},
        {"username": 5, "comment": "hm"},
        {"username": "ann", "comment": ["hm"]},
    ],
)
def test_an_invalid_comment_is_rejected(client: Client, body: dict[str, Any]) -> None:
    refused = send(client, "POST", PATH, ADMIN_KEY, **body)
    assert (refused.status, refused.json["message"].split(":")[0] in {"username", "comment"}) == (400, True)
    assert client.get(PATH).json["total"] == 0


@pytest.mark.parametrize("number", ["0", "-1", "x", "1.5", str(2**63), "9" * 400, "%00"])
def test_an_invalid_comment_number_is_rejected(client: Client, number: str) -> None:
    assert client.get(f"{PATH}/{number}").status == 400


def test_characters_that_postgres_cannot_store_are_replaced(client: Client) -> None:
    made = write(client, "a\0b", username="x\0")
    assert (made["comment"], made["username"]) == ("a\ufffdb", "x\ufffd")


def test_the_number_of_comments_is_limited(client: Client, sql: psycopg.Connection) -> None:
    sql.execute("update requests set discussion_count = 10000")
    refused = send(client, "POST", PATH, ADMIN_KEY, username="ann", comment="one more")
    assert (refused.status, "10000 comments" in refused.json["message"]) == (409, True)
