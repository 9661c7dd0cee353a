"""The data that a request loses when an admin changes its owner, and the rights that a revoked key loses."""

import json
import socket

import psycopg
import pytest

from tests.support.client import Client
from tests.support.documents import make_document
from tests.support.keys import ADMIN_KEY, SECRET
from tests.support.servers import Serve


@pytest.fixture
def closed(serve: Serve, database_url: str) -> Client:
    return serve(DATABASE_URL=database_url, THUNDER_ADMIN_KEY=ADMIN_KEY, THUNDER_SECRET=SECRET)


def post(client: Client, path: str, body: object, key: str) -> int:
    return client.post_bytes(path, json.dumps(body).encode(), x_api_key=key).status


def test_a_new_owner_sees_nothing_of_the_previous_one(closed: Client, sql: psycopg.Connection) -> None:
    for user, text in (("ann", "hers"), ("bob", "his")):
        document = make_document("p1", request={"user_api_key": user, "final_text": text})
        assert post(closed, "/v1/ingest", document, ADMIN_KEY) == 201
        if user == "ann":
            assert post(closed, "/logs/p1/public", {"expires_at": "2030-01-01T00:00:00Z"}, "ann") == 200
            assert post(closed, "/logs/p1/outcome", {"correct": True, "note": "private"}, "ann") == 200
            sql.execute("update requests set tags = '{t}', favorited_by = '{ann}', discussion_count = 1")
    assert closed.request("GET", "/logs/p1").status == 401
    assert closed.request("GET", "/logs/p1", x_api_key="ann").status == 401
    shown = closed.request("GET", "/logs/p1", x_api_key="bob").json
    assert (shown["tags"], shown["favorited_by"], shown["discussion_count"]) == ([], [], 0)
    assert (shown["is_public"], shown["final_text"]) == (False, "his")
    assert closed.request("GET", "/logs/p1/outcome", x_api_key="bob").json["outcomes"] == []


def test_the_same_owner_keeps_links_and_verdicts(closed: Client) -> None:
    document = make_document("p1", request={"user_api_key": "ann"})
    assert post(closed, "/v1/ingest", document, ADMIN_KEY) == 201
    assert post(closed, "/logs/p1/public", {}, "ann") == 200
    assert post(closed, "/logs/p1/outcome", {"correct": True}, "ann") == 200
    assert post(closed, "/v1/ingest", document, ADMIN_KEY) == 201
    assert closed.request("GET", "/logs/p1").status == 200
    assert len(closed.request("GET", "/logs/p1/outcome", x_api_key="ann").json["outcomes"]) == 1


def test_a_key_revoked_during_a_post_stores_nothing(closed: Client, sql: psycopg.Connection) -> None:
    made = closed.post_bytes("/auth/keys", b'{"name": "engine", "scopes": ["ingest"]}', x_api_key=ADMIN_KEY).json
    body = json.dumps(make_document("slow")).encode()
    head = f"POST /v1/ingest HTTP/1.1\r\nHost: x\r\nX-API-Key: {made['api_key']}\r\nContent-Type: application/json\r\n"
    host, port = closed.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as one:
        one.sendall(head.encode() + f"Content-Length: {len(body)}\r\n\r\n".encode() + body[:10])
        assert closed.get("/livez").status == 200
        sql.execute("update api_keys set revoked_at = now()")
        one.sendall(body[10:])
        answer = one.recv(65536)
    assert b" 401 " in answer.split(b"\r\n", 1)[0]
    assert sql.execute("select count(*) from requests").fetchone() == (0,)


@pytest.mark.parametrize("key", ['"q', "\\q", "carol-of-some-length"])
def test_a_shared_log_is_json_without_labels(closed: Client, key: str) -> None:
    document = make_document("p1", request={"user_api_key": key, "final_text": f"by nudge@{key} and {key}"})
    assert post(closed, "/v1/ingest", document, ADMIN_KEY) == 201
    url = closed.post_bytes("/logs/p1/public", b"{}", x_api_key=ADMIN_KEY).json["public_url"]
    shared = closed.request("GET", url)
    assert "…#" not in shared.data.decode()
    assert shared.json["final_text"].startswith("by ")
    assert "…#" in closed.get("/logs/p1").data.decode()


def test_the_scopes_of_an_admin_key_cannot_be_reduced(closed: Client) -> None:
    made = closed.post_bytes("/auth/keys", b'{"name": "boss", "is_admin": true}', x_api_key=ADMIN_KEY).json
    change = json.dumps({"id": made["id"], "scopes": ["ingest"]}).encode()
    closed.request("PUT", "/auth/keys", change, x_api_key=ADMIN_KEY, content_type="application/json")
    (row,) = closed.get("/auth/keys").json["keys"]
    assert (row["is_admin"], row["scopes"]) == (True, ["admin", "curate", "delete", "ingest", "read", "read_all"])
