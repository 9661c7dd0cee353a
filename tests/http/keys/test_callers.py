"""GET /auth/me and /auth/validate describe the caller of a key; scopes, expiry and use of keys."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from tests.support.client import Client, make_key, send
from tests.support.documents import make_document
from tests.support.issued_keys import find, is_live
from tests.support.keys import ADMIN_KEY, label


def test_validate_and_me_describe_the_caller(keys: Client) -> None:
    admin = make_key(keys, name="an admin", is_admin=True)["api_key"]
    bound = make_key(keys, name="reader", allowed_api_key="key-of-ann")["api_key"]
    unbound = make_key(keys, name="nobody's")["api_key"]
    shown = label("key-of-ann")
    for key, name, allowed, is_admin in (
        (ADMIN_KEY, "admin", None, True),
        (admin, "an admin", None, True),
        (bound, "reader", shown, False),
        (unbound, "nobody's", None, False),
        ("key-of-ann", shown, shown, False),
    ):
        me = {"name": name, "allowed_api_key": allowed, "is_admin": is_admin, "reads_all": is_admin}
        assert send(keys, "GET", "/auth/me", key).json == me
        validated = send(keys, "GET", "/auth/validate", key).json
        assert validated == {**me, "valid": True, "message": validated["message"]}
        assert validated["message"]


def test_invalid_keys_are_not_validated(keys: Client) -> None:
    for key in (None, "wrong", "ck_" + "0" * 64, "key-of-an", "key-of-ann ", label("key-of-ann")[:2], "x" * 2000):
        for path in ("/auth/validate", "/auth/me"):
            answer = send(keys, "GET", path, key and key.strip() + "!" * key.endswith(" "))
            assert answer.status == 401
            assert answer.headers["www-authenticate"]


def test_validate_reads_the_headers_that_an_engine_sends(keys: Client) -> None:
    key = make_key(keys, name="k")["api_key"]
    assert keys.request("GET", "/auth/me", authorization=f"Bearer {key}").json["name"] == "k"
    both = keys.request("GET", "/auth/me", authorization=f"Bearer {key}", x_api_key="key-of-ann")
    assert both.json["name"] == label("key-of-ann")


def test_the_shown_name_of_a_caller_is_never_empty(keys: Client) -> None:
    for name in ("   ", "\u200b", "\n"):
        made = send(keys, "POST", "/auth/keys", ADMIN_KEY, name=name)
        if made.status == 200:
            assert send(keys, "GET", "/auth/validate", made.json["api_key"]).json["name"].strip()


@pytest.mark.parametrize(
    ("scopes", "reads", "curates", "ingests"),
    [
        (None, 200, 200, 403),
        ([], 403, 403, 403),
        (["read"], 200, 403, 403),
        (["curate"], 403, 200, 403),
        (["ingest"], 403, 403, 201),
        (["read", "read", "ingest"], 200, 403, 201),
    ],
)
def test_scopes_limit_the_use_of_a_key(
    keys: Client, scopes: list[str] | None, reads: int, curates: int, ingests: int
) -> None:
    key = make_key(keys, name="k", allowed_api_key="key-of-ann", scopes=scopes)
    assert key["scopes"] == sorted(set(scopes if scopes is not None else ["read", "curate"]))
    assert send(keys, "GET", "/logs/r1", key["api_key"]).status == reads
    assert send(keys, "POST", "/logs/r1/outcome", key["api_key"], correct=True).status == curates
    assert keys.ingest(make_document(), x_api_key=key["api_key"]).status == ingests
    assert send(keys, "GET", "/auth/keys", key["api_key"]).status == 403
    refused = send(keys, "GET", "/auth/keys", key["api_key"]).json["error"]
    assert "admin" in refused


def test_a_key_stops_working_when_it_expires(keys: Client) -> None:
    soon = datetime.now(UTC) + timedelta(seconds=1.5)
    key = make_key(keys, name="k", is_admin=True, expires_at=soon.timestamp())
    assert is_live(keys, key["api_key"])
    assert find(keys, key["id"])["is_active"]
    while datetime.now(UTC) < soon:
        pass
    assert not is_live(keys, key["api_key"])
    assert not find(keys, key["id"])["is_active"]
    answer = send(keys, "POST", f"/auth/keys/{key['id']}/rotate", ADMIN_KEY)
    assert answer.status == 404, "an expired key cannot be extended"


def test_last_used_at_is_updated_at_intervals(keys: Client, rows: psycopg.Connection) -> None:
    key = make_key(keys, name="k")
    for _ in range(3):
        assert is_live(keys, key["api_key"])
    first = find(keys, key["id"])
    assert datetime.now(UTC) - datetime.fromisoformat(first["last_used_at"]) < timedelta(minutes=1)
    written = "select xmin::text, last_used_at from api_keys where id = %s"
    before = rows.execute(written, [key["id"]]).fetchone()
    for path in ("/logs", "/auth/me", "/v1/mods"):
        assert send(keys, "GET", path, key["api_key"]).status == 200
    assert rows.execute(written, [key["id"]]).fetchone() == before, "the row was written again"
    rows.execute("update api_keys set last_used_at = now() - interval '1 hour' where id = %s", [key["id"]])
    assert send(keys, "GET", "/logs", key["api_key"]).status == 200
    last = datetime.fromisoformat(find(keys, key["id"])["last_used_at"])
    assert datetime.now(UTC) - last < timedelta(minutes=1)
