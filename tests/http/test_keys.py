"""/auth/…: the caller of a key, the first admin key, and the keys that admins issue."""

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from tests.support.client import Answer, Client, make_key, send
from tests.support.databases import Databases
from tests.support.documents import make_document
from tests.support.keys import ADMIN_KEY, SECRET, label
from tests.support.servers import Serve, server_thread

LISTED = {
    *("id", "key_prefix", "name", "description", "allowed_api_key", "is_admin", "is_active"),
    *("created_at", "updated_at", "last_used_at", "expires_at"),
}
SHOWN_ONCE = {"api_key", "key_prefix", "name", "allowed_api_key", "is_admin", "message"}
BOOTSTRAP = "a secret to begin with"
HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def url(databases: Databases) -> Iterator[str]:
    yield databases.create("keys")
    databases.drop("keys")


@pytest.fixture(scope="module")
def keys(url: str) -> Iterator[Client]:
    with server_thread(url, THUNDER_SECRET=SECRET) as client:
        document = make_document(request={"user_api_key": "key-of-ann"})
        assert client.ingest(document, x_api_key=ADMIN_KEY).status == 201
        yield client


@pytest.fixture
def rows(databases: Databases, url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(databases.reach(url), autocommit=True) as conn:
        yield conn


def find(client: Client, key_id: int) -> dict[str, Any]:
    listed = send(client, "GET", "/auth/keys", ADMIN_KEY).json["keys"]
    return next(one for one in listed if one["id"] == key_id)


def is_live(client: Client, key: str) -> bool:
    status = send(client, "GET", "/auth/validate", key).status
    assert status in {200, 401}
    return status == 200


def refuse(client: Client, method: str, path: str, **body: Any) -> str:
    answer = send(client, method, path, ADMIN_KEY, **body)
    assert answer.status == 400, answer.data
    return answer.json["error"]


# The caller of a key


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
        me = {"name": name, "allowed_api_key": allowed, "is_admin": is_admin}
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


# The first admin key


def bootstrap(client: Client, secret: str = BOOTSTRAP, **body: Any) -> Answer:
    return send(client, "POST", "/auth/bootstrap", None, **{"name": "first", "secret": secret, **body})


@pytest.fixture
def empty(serve: Serve, database_url: str) -> Client:
    return serve(DATABASE_URL=database_url, THUNDER_SECRET=SECRET, BOOTSTRAP_SECRET=BOOTSTRAP)


def test_the_bootstrap_secret_creates_the_first_admin_key(empty: Client, sql: psycopg.Connection) -> None:
    assert bootstrap(empty, "wrong").status == 401
    assert bootstrap(empty, BOOTSTRAP + "\0").status == 401
    made = bootstrap(empty, name="me")
    assert made.status == 200
    assert set(made.json) >= {"api_key", "key_prefix", "name", "message"}
    assert made.json["name"] == "me"
    key = made.json["api_key"]
    assert re.fullmatch(r"ck_[0-9a-f]{64}", key)
    assert made.json["key_prefix"] == key[:8]
    assert send(empty, "GET", "/auth/me", key).json == {"name": "me", "allowed_api_key": None, "is_admin": True}
    assert bootstrap(empty).status == 409
    assert bootstrap(empty, "wrong").status == 401
    assert sql.execute("select count(*) from api_keys").fetchone() == (1,)
    sql.execute("update api_keys set revoked_at = now()")
    sql.execute("delete from bootstrap_attempts")
    assert bootstrap(empty).status == 409, "a revoked admin key counts as the first one"


def test_bootstrapping_is_disabled_without_a_secret(serve: Serve, database_url: str) -> None:
    settings = {"DATABASE_URL": database_url, "THUNDER_SECRET": SECRET}
    for client in (serve(**settings), serve(**settings, BOOTSTRAP_SECRET="")):
        for secret in ("", BOOTSTRAP):
            assert bootstrap(client, secret).status == 403


def test_bootstrapping_is_disabled_with_a_configured_admin_key(serve: Serve, database_url: str) -> None:
    settings = {"BOOTSTRAP_SECRET": BOOTSTRAP, "THUNDER_ADMIN_KEY": ADMIN_KEY, "THUNDER_SECRET": SECRET}
    client = serve(DATABASE_URL=database_url, **settings)
    assert bootstrap(client).status == 409
    assert bootstrap(client, "wrong").status == 401
    assert client.get("/auth/keys").json == {"keys": [], "total": 0}


def test_five_wrong_attempts_per_minute_are_allowed_and_the_right_secret_always(
    empty: Client, sql: psycopg.Connection
) -> None:
    assert [bootstrap(empty, "wrong").status for _ in range(7)] == [401] * 5 + [429] * 2
    assert bootstrap(empty, "wrong").headers["Retry-After"] == "60"
    assert sql.execute("select count(*) from bootstrap_attempts").fetchone() == (5,)
    assert bootstrap(empty).status == 200
    sql.execute("update bootstrap_attempts set attempted_at = attempted_at - interval '61 seconds'")
    assert bootstrap(empty, "wrong").status == 401
    assert sql.execute("select count(*) from bootstrap_attempts").fetchone() == (1,)


def test_wrong_attempts_are_counted_per_address(serve: Serve, database_url: str) -> None:
    settings = {"THUNDER_SECRET": SECRET, "BOOTSTRAP_SECRET": BOOTSTRAP, "TRUSTED_PROXIES": "127.0.0.1, 10.0.0.0/8"}
    client = serve(DATABASE_URL=database_url, **settings)
    body = json.dumps({"name": "first", "secret": "wrong"}).encode()

    def guess(forwarded: str) -> int:
        return client.post_bytes("/auth/bootstrap", body, x_forwarded_for=forwarded).status

    assert [guess("192.0.2.1") for _ in range(6)] == [401] * 5 + [429]
    assert guess("203.0.113.9, 192.0.2.1, 10.1.2.3") == 429, "entries before the client's address come from the client"
    assert guess("192.0.2.1, 192.0.2.2") == 401
    assert [guess(f"2001:db8::{number}") for number in range(6)] == [401] * 5 + [429], "one network of 64 bits"
    assert guess("2001:db8:0:1::1") == 401


def test_the_address_of_the_connection_counts_without_a_trusted_proxy(empty: Client) -> None:
    body = json.dumps({"name": "first", "secret": "wrong"}).encode()
    tried = [empty.post_bytes("/auth/bootstrap", body, x_forwarded_for=f"192.0.2.{n}").status for n in range(7)]
    assert tried == [401] * 5 + [429] * 2


def test_concurrent_attempts_share_the_limit_of_five_per_minute(
    serve: Serve, database_url: str, sql: psycopg.Connection
) -> None:
    settings = {"THUNDER_SECRET": SECRET, "BOOTSTRAP_SECRET": BOOTSTRAP, "DATABASE_POOL_SIZE": "10"}
    clients = [serve(DATABASE_URL=database_url, **settings) for _ in range(2)]
    with ThreadPoolExecutor(20) as executor:
        for _ in range(3):
            sql.execute("delete from bootstrap_attempts")
            tried = list(executor.map(bootstrap, clients * 10, ["wrong"] * 20))
            assert sorted(one.status for one in tried) == [401] * 5 + [429] * 15


def test_only_one_of_concurrent_bootstraps_succeeds(serve: Serve, database_url: str, sql: psycopg.Connection) -> None:
    settings = {"THUNDER_SECRET": SECRET, "BOOTSTRAP_SECRET": BOOTSTRAP}
    clients = [serve(DATABASE_URL=database_url, **settings) for _ in range(2)]
    with ThreadPoolExecutor(4) as executor:
        for _ in range(5):
            sql.execute("truncate api_keys, bootstrap_attempts")
            raced = list(executor.map(bootstrap, clients * 2))
            assert sorted(one.status for one in raced) == [200, 409, 409, 409]
            assert sql.execute("select count(*) from api_keys").fetchone() == (1,)


@pytest.mark.parametrize("body", [{"name": ""}, {"name": None}, {"secret": None}, {"secret": 5}, {"name": "x" * 201}])
def test_a_bootstrap_with_missing_fields_is_rejected(keys: Client, body: dict[str, Any]) -> None:
    assert bootstrap(keys, **body).status == 400


# Issuing and listing


def test_a_key_is_shown_only_when_it_is_issued(keys: Client) -> None:
    expires = datetime.now(UTC) + HOUR
    asked = {"name": "CI", "description": "posts", "allowed_api_key": "key-of-ann", "expires_at": expires.isoformat()}
    made = make_key(keys, **asked, scopes=["read"])
    assert set(made) >= SHOWN_ONCE
    assert re.fullmatch(r"ck_[0-9a-f]{64}", made["api_key"])
    assert made["key_prefix"] == made["api_key"][:8]
    assert made["allowed_api_key"] == label("key-of-ann")
    assert (made["name"], made["is_admin"]) == ("CI", False)
    answer = send(keys, "GET", "/auth/keys", ADMIN_KEY)
    assert made["api_key"][8:] not in answer.data.decode()
    assert answer.json["total"] == len(answer.json["keys"])
    listed = find(keys, made["id"])
    assert set(listed) >= LISTED
    assert listed["scopes"] == ["read"]
    assert (listed["name"], listed["description"]) == ("CI", "posts")
    assert listed["key_prefix"] == made["key_prefix"]
    assert listed["allowed_api_key"] == label("key-of-ann")
    assert (listed["is_admin"], listed["is_active"], listed["last_used_at"]) == (False, True, None)
    assert listed["created_at"] == listed["updated_at"]
    assert datetime.fromisoformat(listed["created_at"]).tzinfo is not None
    assert datetime.fromisoformat(listed["expires_at"]) == expires


def test_keys_are_unique_and_listed_newest_first(keys: Client) -> None:
    made = [make_key(keys, name="same name") for _ in range(5)]
    assert len({one["api_key"] for one in made}) == 5
    listed = send(keys, "GET", "/auth/keys", ADMIN_KEY).json["keys"]
    assert [one["id"] for one in listed[:5]] == [one["id"] for one in reversed(made)]


def test_a_label_can_name_the_user_of_a_key(keys: Client) -> None:
    by_label = make_key(keys, name="k", allowed_api_key=label("key-of-ann"))
    assert by_label["allowed_api_key"] == label("key-of-ann")
    assert send(keys, "GET", "/logs/r1", by_label["api_key"]).status == 200
    assert "label" in refuse(keys, "POST", "/auth/keys", name="k", allowed_api_key=label("key-of-nobody"))
    unseen = make_key(keys, name="k", allowed_api_key="key-without-a-request")
    assert send(keys, "GET", "/logs", unseen["api_key"]).json["data"] == []
    again = make_key(keys, name="k", allowed_api_key=label("key-without-a-request"))
    assert again["allowed_api_key"] == unseen["allowed_api_key"]


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"name": ""},
        {"name": None},
        {"name": 5},
        {"name": "x" * 201},
        {"is_admin": "yes"},
        {"scopes": ["root"]},
        {"scopes": "read"},
        {"scopes": [["read"]]},
        {"description": "x" * 2001},
        {"allowed_api_key": 5},
        {"allowed_api_key": "x" * 1001},
        {"expires_at": "2020-01-01T00:00:00Z"},
        {"expires_at": 0},
        {"expires_at": -1e300},
        {"expires_at": "tomorrow"},
        {"expires_at": True},
    ],
)
def test_an_invalid_key_to_issue_is_rejected(keys: Client, fields: dict[str, Any]) -> None:
    before = send(keys, "GET", "/auth/keys", ADMIN_KEY).json["total"]
    refuse(keys, "POST", "/auth/keys", **({"name": "x", **fields} if fields else {"description": "no name"}))
    assert send(keys, "GET", "/auth/keys", ADMIN_KEY).json["total"] == before


@pytest.mark.parametrize("text", ["\0", "a\0b", "\ud800", "\U0001f642" * 100, "…#0123456789ab", "\0…#0123456789ab"])
def test_any_text_is_stored_or_rejected(keys: Client, text: str) -> None:
    for field in ("name", "description", "allowed_api_key"):
        fields = {"name": "x", field: text}
        made = send(keys, "POST", "/auth/keys", ADMIN_KEY, **fields)
        assert made.status in {200, 400}, made.data
        key_id = make_key(keys, name="x")["id"]
        assert send(keys, "PUT", "/auth/keys", ADMIN_KEY, id=key_id, **{field: text}).status == made.status
        if made.status == 200:
            assert send(keys, "GET", "/auth/validate", made.json["api_key"]).json["name"]


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


# Changes


def test_fields_without_a_new_value_are_kept(keys: Client) -> None:
    key = make_key(keys, name="k", description="d", allowed_api_key="key-of-ann", scopes=["read"])
    before = find(keys, key["id"])
    changed = send(keys, "PUT", "/auth/keys", ADMIN_KEY, id=key["id"], name="new")
    assert changed.status == 200
    assert changed.json == {"id": key["id"], "message": changed.json["message"]}
    after = find(keys, key["id"])
    assert after == {**before, "name": "new", "updated_at": after["updated_at"]}
    assert after["updated_at"] > before["updated_at"]
    send(keys, "PUT", "/auth/keys", ADMIN_KEY, id=key["id"], description=None, allowed_api_key=None, is_admin=None)
    assert find(keys, key["id"])["allowed_api_key"] == label("key-of-ann")


def test_an_empty_user_is_removed_and_a_new_one_counts_at_once(keys: Client) -> None:
    key = make_key(keys, name="k", allowed_api_key="key-of-ann")
    for allowed, status in (("", 404), ("key-of-ann", 200), ("key-of-bob", 404), (label("key-of-ann"), 200)):
        assert send(keys, "PUT", "/auth/keys", ADMIN_KEY, id=key["id"], allowed_api_key=allowed).status == 200
        assert send(keys, "GET", "/logs/r1", key["api_key"]).status == status
    assert find(keys, key["id"])["allowed_api_key"] == label("key-of-ann")
    refuse(keys, "PUT", "/auth/keys", id=key["id"], allowed_api_key=label("key-of-nobody"))


def test_a_demoted_admin_key_loses_all_rights_of_admins(keys: Client) -> None:
    key = make_key(keys, name="k", is_admin=True)
    assert send(keys, "GET", "/auth/keys", key["api_key"]).status == 200
    assert send(keys, "PUT", "/auth/keys", ADMIN_KEY, id=key["id"], is_admin=False).status == 200
    assert send(keys, "GET", "/auth/keys", key["api_key"]).status == 403
    assert send(keys, "POST", "/auth/keys", key["api_key"], name="another", is_admin=True).status == 403
    assert keys.ingest(make_document(), x_api_key=key["api_key"]).status == 403
    assert send(keys, "GET", "/logs", key["api_key"]).json["data"] == []
    assert find(keys, key["id"])["scopes"] == ["curate", "read"]
    poster = make_key(keys, name="k", scopes=["ingest"])
    assert send(keys, "PUT", "/auth/keys", ADMIN_KEY, id=poster["id"], is_admin=False).status == 200
    assert find(keys, poster["id"])["scopes"] == ["ingest"]


def test_a_key_can_become_an_admin_key_and_change_its_scopes(keys: Client) -> None:
    key = make_key(keys, name="k", scopes=["ingest"])
    assert send(keys, "PUT", "/auth/keys", ADMIN_KEY, id=key["id"], scopes=["read"]).status == 200
    assert keys.ingest(make_document(), x_api_key=key["api_key"]).status == 403
    assert send(keys, "GET", "/logs", key["api_key"]).status == 200
    assert send(keys, "PUT", "/auth/keys", ADMIN_KEY, id=key["id"], is_admin=True).status == 200
    assert send(keys, "GET", "/auth/keys", key["api_key"]).status == 200


@pytest.mark.parametrize("key_id", [None, "1", 0, -1, 1.5, 2**63, 10**400, True, [1]])
def test_an_invalid_change_is_rejected(keys: Client, key_id: object) -> None:
    for method in ("PUT", "DELETE"):
        refuse(keys, method, "/auth/keys", id=key_id)


def test_a_missing_or_expired_key_is_not_found(keys: Client) -> None:
    key = make_key(keys, name="k")
    assert send(keys, "DELETE", "/auth/keys", ADMIN_KEY, id=key["id"]).status == 200
    for key_id in (key["id"], 2**63 - 1):
        assert send(keys, "DELETE", "/auth/keys", ADMIN_KEY, id=key_id).status == 404
        assert send(keys, "PUT", "/auth/keys", ADMIN_KEY, id=key_id, is_admin=True).status == 404
        assert send(keys, "POST", f"/auth/keys/{key_id}/rotate", ADMIN_KEY).status == 404


# Revocation


def test_a_revoked_key_is_rejected_and_still_listed(keys: Client) -> None:
    key = make_key(keys, name="k")
    assert is_live(keys, key["api_key"])
    answer = send(keys, "DELETE", "/auth/keys", ADMIN_KEY, id=key["id"])
    assert answer.json == {"id": key["id"], "message": answer.json["message"]}
    assert not is_live(keys, key["api_key"])
    assert not find(keys, key["id"])["is_active"]


def test_a_key_cannot_revoke_itself(keys: Client) -> None:
    mine, other = (make_key(keys, name="k", is_admin=True) for _ in range(2))
    answer = send(keys, "DELETE", "/auth/keys", mine["api_key"], id=mine["id"])
    assert 400 <= answer.status < 500
    assert is_live(keys, mine["api_key"])
    assert send(keys, "DELETE", "/auth/keys", mine["api_key"], id=other["id"]).status == 200
    assert not is_live(keys, other["api_key"])
    assert send(keys, "DELETE", "/auth/keys", ADMIN_KEY, id=mine["id"]).status == 200


# Rotation


@pytest.mark.parametrize(("asked", "hours"), [({}, 24), ({"overlap_hours": 2}, 2), ({"overlap_hours": 0.5}, 0.5)])
def test_a_rotated_key_works_during_the_overlap(keys: Client, asked: dict[str, float], hours: float) -> None:
    old = make_key(keys, name="k", description="d", allowed_api_key="key-of-ann", scopes=["read"])
    answer = send(keys, "POST", f"/auth/keys/{old['id']}/rotate", ADMIN_KEY, **asked)
    assert answer.status == 200
    new = answer.json
    assert set(new) >= SHOWN_ONCE
    assert new["api_key"] != old["api_key"]
    assert new["key_prefix"] == new["api_key"][:8]
    before, after = find(keys, old["id"]), find(keys, new["id"])
    ends = datetime.fromisoformat(before["expires_at"])
    assert abs(ends - datetime.now(UTC) - timedelta(hours=hours)) < timedelta(minutes=1)
    assert after["expires_at"] is None
    same = ("name", "description", "allowed_api_key", "is_admin", "scopes")
    assert [before[name] for name in same] == [after[name] for name in same]
    for key in (old, new):
        assert send(keys, "GET", "/logs/r1", key["api_key"]).status == 200


def test_a_rotation_without_overlap_ends_the_old_key(keys: Client) -> None:
    for hours, lives in ((0, False), (1e-9, False), (0.01, True)):
        old = make_key(keys, name="k")
        new = send(keys, "POST", f"/auth/keys/{old['id']}/rotate", ADMIN_KEY, overlap_hours=hours).json
        assert is_live(keys, old["api_key"]) is lives
        assert is_live(keys, new["api_key"])
        assert find(keys, old["id"])["is_active"] is lives


def test_a_rotation_never_extends_the_life_of_a_key(keys: Client) -> None:
    expires = datetime.now(UTC) + HOUR
    old = make_key(keys, name="k", expires_at=expires.isoformat())
    new = send(keys, "POST", f"/auth/keys/{old['id']}/rotate", ADMIN_KEY, overlap_hours=48).json
    for key in (old, new):
        assert datetime.fromisoformat(find(keys, key["id"])["expires_at"]) == expires


def test_a_key_can_rotate_itself(keys: Client) -> None:
    old = make_key(keys, name="k", is_admin=True)
    new = send(keys, "POST", f"/auth/keys/{old['id']}/rotate", old["api_key"], overlap_hours=0)
    assert new.status == 200
    assert not is_live(keys, old["api_key"])
    assert send(keys, "GET", "/auth/keys", new.json["api_key"]).status == 200


@pytest.mark.parametrize("hours", [-1, -1e-9, float("nan"), float("inf"), 1e308, 2161, 10**400, "1", True, None, [1]])
def test_an_invalid_overlap_is_rejected_and_changes_nothing(keys: Client, hours: object) -> None:
    key = make_key(keys, name="k")
    before = send(keys, "GET", "/auth/keys", ADMIN_KEY).json
    refuse(keys, "POST", f"/auth/keys/{key['id']}/rotate", overlap_hours=hours)
    after = send(keys, "GET", "/auth/keys", ADMIN_KEY).json
    assert after == before
