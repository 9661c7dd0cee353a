"""POST /auth/bootstrap creates the first admin key."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from tests.support.client import Answer, Client, send
from tests.support.keys import ADMIN_KEY, SECRET
from tests.support.servers import Serve

BOOTSTRAP = "a secret to begin with"


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
    assert send(empty, "GET", "/auth/me", key).json == {
        "name": "me",
        "allowed_api_key": None,
        "is_admin": True,
        "reads_all": True,
    }
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
