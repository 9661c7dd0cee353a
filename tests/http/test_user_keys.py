"""GET /logs/api-keys: the users that have requests."""

import json
import re

import psycopg

from core.feed.store import LIST_USERS
from tests.support.client import Client, make_key, send
from tests.support.documents import make_document
from tests.support.keys import ADMIN_KEY, label
from tests.support.plans import explain


def post(client: Client, request_id: str, user: str | None, created_at: int) -> None:
    request = {"created_at": created_at} | ({"user_api_key": user} if user else {})
    assert client.ingest(make_document(request_id, request=request), x_api_key=ADMIN_KEY).status == 201


def test_users_are_counted_by_label_latest_first(client: Client) -> None:
    assert client.get("/logs/api-keys/").json == {"api_keys": [], "total": 0}
    post(client, "a1", "key-of-ann", 100)
    post(client, "b1", "key-of-bob", 300)
    post(client, "a2", "key-of-ann", 200)
    post(client, "orphan", None, 400)
    shown = client.get("/logs/api-keys").json
    assert shown == {
        "api_keys": [
            {"api_key": label("key-of-bob"), "request_count": 1, "latest_request_at": "1970-01-01T00:05:00Z"},
            {"api_key": label("key-of-ann"), "request_count": 2, "latest_request_at": "1970-01-01T00:03:20Z"},
        ],
        "total": 2,
    }
    for one in shown["api_keys"]:
        rows = client.request(
            "GET",
            f"/logs?api_key={one['api_key'].replace('…', '%E2%80%A6').replace('#', '%23')}",
            None,
            x_api_key=ADMIN_KEY,
        ).json["data"]
        assert len(rows) == one["request_count"]


def test_callers_that_are_not_admins_see_only_themselves(client: Client) -> None:
    post(client, "a1", "key-of-ann", 100)
    post(client, "b1", "key-of-bob", 300)
    bound = make_key(client, name="bound", allowed_api_key="key-of-bob")["api_key"]
    for key, user in (("key-of-ann", "key-of-ann"), ("key-of-bob", "key-of-bob"), (bound, "key-of-bob")):
        shown = send(client, "GET", "/logs/api-keys", key).json
        assert ([one["api_key"] for one in shown["api_keys"]], shown["total"]) == ([label(user)], 1)
    unbound = make_key(client, name="unbound")["api_key"]
    assert send(client, "GET", "/logs/api-keys", unbound).json == {"api_keys": [], "total": 0}


def test_counting_uses_an_index_only_scan(sql: psycopg.Connection) -> None:
    sql.execute("""
        insert into requests (
            request_id, created_at, user_key_hmac, user_key_label, posted_by, final_text, mods, total_steps, tokens,
            tokens_with_distribution, sampled_tokens, sampled_in_top_k, scored_tokens, forced_tokens,
            discarded_tokens, masked_tokens, interventions, backtracks
        )
        select 'r' || n, now(), convert_to('user ' || n % 1000, 'utf8'), 'l', 'open',
            repeat(md5(n::text), 30), '{}', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
        from generate_series(1, 20000) as n
    """)
    sql.execute("checkpoint")  # the tests commit without a flush, and vacuum marks only flushed pages
    sql.execute("vacuum analyze requests")
    for owner in (None, b"user 7"):
        plan = explain(sql, LIST_USERS, owner=owner, limit=1000)
        assert not re.search(r'"Node Type": "Seq Scan"', json.dumps(plan)), plan
