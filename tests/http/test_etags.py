"""ETag and If-None-Match: 304 only for readers that have this version."""

import threading
from typing import Any

import psycopg
import pytest

from tests.support.client import Answer, Client, send
from tests.support.documents import make_document, number, one_token
from tests.support.keys import ADMIN_KEY

USER = "key-of-ann"


def post(client: Client, request_id: str = "r1", text: str = "five", user: str = USER) -> None:
    document = make_document(request_id, number(one_token()), request={"user_api_key": user, "final_text": text})
    assert client.ingest(document, x_api_key=ADMIN_KEY).status == 201


def again(client: Client, path: str, known: Answer | str, key: str | None = ADMIN_KEY) -> Answer:
    tag = known if isinstance(known, str) else known.headers["ETag"]
    return client.request("GET", path, None, if_none_match=tag, **({"x_api_key": key} if key else {}))


@pytest.mark.parametrize("path", ["/logs/r1", "/logs", "/logs?sort=confidence&max_confidence=1"])
def test_a_version_is_304_until_something_changes(client: Client, path: str) -> None:
    post(client)
    changes: list[tuple[str, str, dict[str, Any]]] = [
        ("POST", "tags", {"tag": "a"}),
        ("DELETE", "tags", {"tag": "a"}),
        ("POST", "favorite", {"name": "ann"}),
        ("POST", "discussions", {"username": "ann", "comment": "hm"}),
        ("POST", "public", {}),
        ("DELETE", "public", {}),
    ]
    known = client.get(path)
    for method, tail, body in changes:
        same = again(client, path, known)
        assert (same.status, same.data, same.headers["ETag"]) == (304, b"", known.headers["ETag"])
        assert same.headers["Cache-Control"] == known.headers["Cache-Control"] == "private, no-cache"
        assert "X-API-Key" in same.headers["Vary"]
        assert send(client, method, f"/logs/r1/{tail}", ADMIN_KEY, **body).status < 300
        changed = again(client, path, known)
        assert changed.status == 200, tail
        assert changed.json == client.get(path).json
        known = changed
    post(client, text="another")
    assert again(client, path, known).status == 200


def test_a_repeated_edit_without_effect_keeps_the_version(client: Client) -> None:
    post(client)
    send(client, "POST", "/logs/r1/tags", ADMIN_KEY, tag="a")
    known = client.get("/logs/r1")
    send(client, "POST", "/logs/r1/tags", ADMIN_KEY, tag="a")
    assert again(client, "/logs/r1", known).status == 304


def test_the_version_of_a_page_depends_only_on_its_rows(client: Client) -> None:
    post(client, "r1")
    post(client, "r2")
    page = client.get("/logs?limit=1")
    first = client.get("/logs/r1")
    send(client, "POST", "/logs/r1/tags", ADMIN_KEY, tag="a")
    assert again(client, "/logs?limit=1", page).status == 304
    assert again(client, "/logs/r1", first).status == 200
    post(client, "r3")
    assert again(client, "/logs?limit=1", page).status == 200


def test_owners_and_other_readers_have_different_versions(client: Client) -> None:
    post(client)
    link = send(client, "POST", "/logs/r1/public", USER).json["public_url"]
    owned = send(client, "GET", "/logs/r1", USER)
    for path in ("/logs/r1", link):
        shown = again(client, path, owned, key=None)
        assert (shown.status, shown.json["user_api_key"]) == (200, None)
        assert again(client, path, shown, key=None).status == 304
        assert again(client, "/logs/r1", shown, key=USER).status == 200
    send(client, "DELETE", "/logs/r1/public", USER)
    assert again(client, "/logs/r1", "*", key=None).status == 401
    assert again(client, link, "*", key=None).status == 404


def test_a_version_grants_no_access(client: Client) -> None:
    post(client)
    post(client, "r2", user="key-of-bob")
    known = client.get("/logs/r1")
    assert again(client, "/logs/r1", known, key="key-of-bob").status == 404
    assert again(client, "/logs/r1", known, key="nobody").status == 401
    assert again(client, "/logs/r1", known, key=None).status == 401
    assert again(client, "/logs", client.get("/logs"), key="key-of-bob").status == 200
    assert again(client, "/logs", "*", key="nobody").status == 401


def test_an_expired_link_changes_the_version(client: Client, sql: psycopg.Connection) -> None:
    post(client)
    send(client, "POST", "/logs/r1/public", USER, expires_at="2999-01-01")
    known = client.get("/logs/r1")
    sql.execute("update requests set share_expires_at = now() - interval '1 second'")
    assert again(client, "/logs/r1", known).json["is_public"] is False


def test_the_same_id_in_an_emptied_database_has_another_version(client: Client, sql: psycopg.Connection) -> None:
    post(client)
    log, feed = client.get("/logs/r1"), client.get("/logs")
    sql.execute("truncate requests restart identity cascade")
    post(client)
    assert again(client, "/logs/r1", log).status == again(client, "/logs", feed).status == 200


@pytest.mark.parametrize("path", ["/logs/r1", "/logs"])
def test_if_none_match_follows_the_http_syntax(client: Client, path: str) -> None:
    post(client)
    tag = client.get(path).headers["ETag"]
    assert tag.startswith('W/"')
    for header, status in (
        (tag.removeprefix("W/"), 304),
        (f'"other", {tag}', 304),
        (f'W/"a,b",{tag} , "c"', 304),
        ("*", 304),
        ('"other"', 200),
        ("", 200),
        (",,,", 200),
        ('W/"1.é"', 200),
        ("x" * 5000, 200),
        (",".join(['"1.a"'] * 500), 200),
    ):
        answer = client.request("GET", path, None, if_none_match=header, x_api_key=ADMIN_KEY)
        assert answer.status == status, header


def test_a_version_read_during_a_change_matches_its_text(client: Client) -> None:
    post(client)
    done = threading.Event()

    def change() -> None:
        for index in range(30):
            send(client, "POST", "/logs/r1/tags", ADMIN_KEY, tag=f"t{index}")
        done.set()

    thread = threading.Thread(target=change)
    thread.start()
    seen: dict[str, int] = {}
    while not done.is_set():
        answer = client.get("/logs/r1")
        assert seen.setdefault(answer.headers["ETag"], len(answer.json["tags"])) == len(answer.json["tags"])
    thread.join()
