"""Tags and favorites: small sets that many callers change at the same time."""

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from core.curation.curation import MAX_CHARACTERS
from tests.support.client import Answer, Client, send
from tests.support.documents import make_document
from tests.support.keys import ADMIN_KEY, label

KINDS = [("tags", "tag", "tags"), ("favorite", "name", "favorited_by")]


@pytest.mark.parametrize(("path", "field", "shown"), KINDS)
def test_an_added_name_appears_in_all_answers_until_it_is_removed(
    client: Client, path: str, field: str, shown: str
) -> None:
    client.ingest(make_document())
    added = send(client, "POST", f"/logs/r1/{path}/", ADMIN_KEY, **{field: "  ünder ‟me‟ "}).json
    assert added == {"request_id": "r1", shown: ["ünder ‟me‟"], "message": added["message"]}
    again = send(client, "POST", f"/logs/r1/{path}", ADMIN_KEY, **{field: "ünder ‟me‟"}).json
    assert (again[shown], "already" in again["message"]) == (["ünder ‟me‟"], True)
    assert client.get(f"/logs/r1/{path}").json[shown] == client.log("r1")[shown] == ["ünder ‟me‟"]
    assert client.get("/logs").json["data"][0][shown] == ["ünder ‟me‟"]
    client.ingest(make_document())
    assert client.log("r1")[shown] == ["ünder ‟me‟"], "a new revision keeps tags and favorites"
    for message in ("removed", "not "):
        gone = send(client, "DELETE", f"/logs/r1/{path}", ADMIN_KEY, **{field: "ünder ‟me‟"}).json
        assert (gone[shown], message in gone["message"]) == ([], True)


@pytest.mark.parametrize(("path", "field", "shown"), KINDS)
def test_concurrent_additions_are_all_kept(client: Client, path: str, field: str, shown: str) -> None:
    client.ingest(make_document())
    names = [f"n{number}" for number in range(20)]

    def add(name: str) -> int:
        return send(client, "POST", f"/logs/r1/{path}", ADMIN_KEY, **{field: name}).status

    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(add, names * 2)) == {200}
    assert sorted(client.get(f"/logs/r1/{path}").json[shown]) == sorted(names)


@pytest.mark.parametrize(("path", "field"), [kind[:2] for kind in KINDS])
@pytest.mark.parametrize("value", ["", "   ", "x" * 300, 5, None, ["a"]])
def test_an_invalid_name_is_rejected_with_its_field(client: Client, path: str, field: str, value: object) -> None:
    client.ingest(make_document())
    refused = send(client, "POST", f"/logs/r1/{path}", ADMIN_KEY, **{field: value})
    assert (refused.status, refused.json["message"].split(":")[0]) == (400, field)


@pytest.mark.parametrize(("path", "field"), [kind[:2] for kind in KINDS])
def test_half_a_surrogate_pair_is_rejected_with_an_explanation(client: Client, path: str, field: str) -> None:
    client.ingest(make_document())
    refused = send(client, "POST", f"/logs/r1/{path}", ADMIN_KEY, **{field: "a\ud800"})
    sentence = f"{field}: has half of a surrogate pair (an escape such as \\ud800 on its own); send whole characters"
    assert (refused.status, refused.json["error"]) == (400, sentence)
    assert client.log("r1")["tags"] == client.log("r1")["favorited_by"] == []


def test_a_request_has_at_most_a_hundred_tags(client: Client, sql: psycopg.Connection) -> None:
    client.ingest(make_document())
    sql.execute("update requests set tags = %s", [[f"t{number}" for number in range(99)]])
    for tag, status in (("t99", 200), ("t5", 200), ("one more", 409)):
        assert send(client, "POST", "/logs/r1/tags", ADMIN_KEY, tag=tag).status == status


def test_a_user_key_as_a_name_is_stored_as_its_label(client: Client) -> None:
    client.ingest(make_document(request={"user_api_key": "key-of-ann"}))
    for key in ("key-of-ann", ADMIN_KEY):
        shown = send(client, "POST", "/logs/r1/favorite", key, name="key-of-ann").json["favorited_by"]
        assert shown == [label("key-of-ann")]


def test_characters_that_postgres_cannot_store_are_replaced(client: Client) -> None:
    client.ingest(make_document())
    assert send(client, "POST", "/logs/r1/tags", ADMIN_KEY, tag="a\0b").json["tags"] == ["a\ufffdb"]


def test_other_callers_see_tags_but_no_names_of_a_public_request(client: Client) -> None:
    client.ingest(make_document(request={"user_api_key": "key-of-ann"}))
    send(client, "POST", "/logs/r1/tags", "key-of-ann", tag="good")
    send(client, "POST", "/logs/r1/favorite", "key-of-ann", name="ann")
    assert client.request("GET", "/logs/r1/tags").status == 401
    send(client, "POST", "/logs/r1/public", "key-of-ann")
    assert client.request("GET", "/logs/r1/tags").json["tags"] == ["good"]
    send(client, "POST", "/logs/r1/tags", "key-of-ann", tag="key-of-ann")
    assert send(client, "GET", "/logs/r1/tags", "key-of-ann").json["tags"] == ["good", label("key-of-ann")]
    for path in ("/logs/r1/tags", "/logs/r1"):
        assert client.request("GET", path).json["tags"] == ["good", "…"]
    assert client.request("GET", "/logs/r1/favorite").json["favorited_by"] == []
    assert send(client, "POST", "/logs/r1/tags", None, tag="bad").status == 401


def test_the_names_of_a_request_have_a_maximum_length_together(client: Client, sql: psycopg.Connection) -> None:
    client.ingest(make_document("r1"))
    name = "\N{GRINNING FACE}" * 195
    names = [f"{number:05}{name}" for number in range(MAX_CHARACTERS // 200)]
    sql.execute("update requests set favorited_by = %s", [names[1:]])

    def add(name: str) -> Answer:
        return send(client, "POST", "/logs/r1/favorite", ADMIN_KEY, name=name)

    assert add(names[0]).status == 200
    refused = add("ann")
    assert refused.status == 409
    assert str(MAX_CHARACTERS) in refused.json["error"]
    assert add(names[0]).json["message"] == "already in favorites"
    assert send(client, "DELETE", "/logs/r1/favorite", ADMIN_KEY, name=names[0]).status == 200
    assert add("ann").status == 200
