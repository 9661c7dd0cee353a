"""Neither the database nor an answer reveals a key or a token."""

import base64
import hashlib
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import psycopg
import pytest
from psycopg import sql as psycopg_sql

from core.wire.zstandard import decompress
from tests.support.client import Client, make_key, send
from tests.support.documents import call, make_document, number, one_token
from tests.support.keys import ADMIN_KEY, SECRET, label
from tests.support.open_server import attempt, make_trace

ZSTD_FRAME = b"\x28\xb5\x2f\xfd"
LONG, SHORT = "sk-user-0f3a9c-long-enough", "q7x-zw"
LONGS_LABEL, SHORTS_LABEL = label(LONG), label(SHORT)


def fill(client: Client) -> dict[str, bytes]:
    """Store keys and links in every field where an engine puts one, and return the texts that must not be found."""
    for user, name in ((LONG, "long"), (SHORT, "short")):
        mod = {"active_mod_name": f"nudge@{user}", "mod_text": f"org/model/nudge@{user}"}
        calls = [call(1, mod=f"nudge@{user}"), call(2, "Added", mod=f"nudge@{user}", exception_message=f"in m@{user}")]
        lines = [{"mod_call_sequence": 0, "mod_name": f"nudge@{user}", "log_message": f"I am nudge@{user}"}]
        said = {"created_by": user, "added_by": user, "details": {"user_api_key": user}}
        parts = {"mod_calls": calls, "mod_logs": lines, "extra": said}
        assert attempt(client, make_trace(name, user, request={**mod, **said}, **parts), ADMIN_KEY).status == 201
        assert attempt(client, make_trace(f"{name}-mod", request=mod, **parts), ADMIN_KEY).status == 201
        assert attempt(client, make_trace(f"{name}-keyless", user, request=mod, **parts), None).status == 201
    api_key = make_key(client, name="reader", allowed_api_key=LONG, description=LONG)
    admin = make_key(client, name="admin", is_admin=True)
    rotated = send(client, "POST", f"/auth/keys/{api_key['id']}/rotate", ADMIN_KEY, overlap_hours=2).json
    tokens = [
        send(client, "POST", f"/logs/{name}/public", ADMIN_KEY).json["public_token"] for name in ("long", "short")
    ]
    send(client, "DELETE", "/logs/long/public", LONG)
    tokens.append(send(client, "POST", "/logs/long/public", LONG).json["public_token"])
    assert send(client, "GET", "/logs", admin["api_key"]).status == 200
    assert send(client, "POST", "/logs/long/outcome", LONG, correct=True, source=f"{LONG}: suite").status == 200
    assert send(client, "PUT", "/logs/long-mod/hold", ADMIN_KEY, reason=LONG).status == 200
    secrets = {
        "a long user key": LONG,
        "a short user key": SHORT,
        "an api key": api_key["api_key"],
        "an admin's key": admin["api_key"],
        "a rotated key": rotated["api_key"],
        "the configured key": ADMIN_KEY,
        "the secret": SECRET,
        "an old token": tokens[0],
        "a token": tokens[1],
        "a new token": tokens[2],
    }
    found_by = {name: text.encode() for name, text in secrets.items()}
    for name, user in (("long", LONG), ("short", SHORT)):
        # Without the secret, a hash could be reversed by guessing: a user API key may be a word.
        for kind in ("md5", "sha1", "sha256", "sha512"):
            found_by[f"the {kind} of a {name} user key"] = hashlib.new(kind, user.encode()).digest()
    for name, token in zip(("old", "live", "new"), tokens, strict=True):
        found_by[f"the {name} token's bytes"] = base64.urlsafe_b64decode(token + "=")
    return found_by


def test_a_leaked_database_reveals_no_key(client: Client, sql: psycopg.Connection) -> None:
    secrets = fill(client)
    haystack = b"\n".join(read_everything(sql))
    for name, secret in secrets.items():
        for spelling in (secret, secret.hex().encode(), base64.b64encode(secret).rstrip(b"=")):
            assert spelling not in haystack, name
    assert LONGS_LABEL.encode() in haystack
    assert SHORTS_LABEL.encode() in haystack


def read_everything(sql: psycopg.Connection) -> Iterator[bytes]:
    """Yield every value of every table as text and as bytes, with compressed values decompressed."""
    tables = sql.execute("select tablename from pg_tables where schemaname = 'public'").fetchall()
    assert {"requests", "request_traces", "api_keys", "mods", "mod_blocks", "mod_logs"} <= {name for (name,) in tables}
    for (table,) in tables:
        for row in sql.execute(psycopg_sql.SQL("table {}").format(psycopg_sql.Identifier(table))):
            for value in row:
                if isinstance(value, bytes):
                    yield value
                    if value.startswith(ZSTD_FRAME):
                        yield from unescape(decompress(value))
                else:
                    text = json.dumps(value) if isinstance(value, dict) else str(value)
                    yield from unescape(text.encode())


def unescape(text: bytes) -> Iterator[bytes]:
    """Return a text together with its decoded form if it is JSON."""
    yield text
    if text.startswith((b"{", b'"')):
        whole = text if text.startswith(b"{") else b"{" + text
        yield json.dumps(json.loads(whole), ensure_ascii=False).encode()


@pytest.mark.parametrize(
    "parts",
    [
        {"mod_calls": [call(1, mod=f"nudge@{LONG}")]},
        {"mod_calls": [call(1)], "mod_logs": [{"mod_call_sequence": 0, "mod_name": f"m@{LONG}", "log_message": "x"}]},
    ],
    ids=["mod_calls", "mod_logs"],
)
def test_a_key_in_a_mod_name_is_removed_when_the_request_has_none(
    client: Client, sql: psycopg.Connection, parts: dict[str, Any]
) -> None:
    assert attempt(client, make_document(events=number(one_token()), **parts), ADMIN_KEY).status == 201
    assert LONG.encode() not in b"\n".join(read_everything(sql))


@pytest.mark.parametrize("escape", [r"\u00e9", r"\u00E9", "é"])
def test_a_key_with_escapes_is_masked(client: Client, sql: psycopg.Connection, escape: str) -> None:
    user = "clé-of-a-user-0123456789"
    body = json.dumps(make_document(request={"user_api_key": user}))[:-1] + ', "note": "' + user.replace("é", escape)
    assert client.post_bytes("/v1/ingest", (body + '"}').encode()).status == 201
    assert user.encode() not in b"\n".join(read_everything(sql))


def test_no_answer_reveals_a_user_key(client: Client) -> None:
    secrets = fill(client)
    link = send(client, "POST", "/logs/short/public", ADMIN_KEY).json["public_url"]
    ids = ["long", "short", "long-mod", "short-mod"]
    paths = [
        link,
        "/health",
        "/auth/validate",
        "/auth/me",
        "/auth/keys",
        "/logs",
        f"/logs?api_key={quote(LONG)}",
        f"/logs?api_key={quote(SHORT)}",
        "/v1/mods",
        *(f"/v1/confidence/summary?group_by={by}" for by in ("user", "model", "mod")),
        "/v1/confidence/drift",
        "/v1/confidence/calibration",
        "/v1/confidence/risk-coverage",
        "/v1/confidence/threshold",
        *(f"/logs/{one}{part}" for one in ids for part in ("", "/trace", "/outcome")),
        *(f"/v1/confidence/{one}" for one in ids),
    ]
    for path in paths:
        for key in (ADMIN_KEY, LONG, SHORT, None):
            answer = send(client, "GET", path, key)
            assert answer.status in {200, 401, 403, 404}, path
            for kind in ("a long user key", "a short user key", "the configured key", "the secret", "an old token"):
                assert secrets[kind] not in answer.data, (path, key)
    posted = attempt(client, make_trace("long", SHORT), ADMIN_KEY)
    assert SHORT.encode() not in posted.data
    assert SHORT.encode() not in attempt(client, make_trace("long", LONG), None).data


def test_only_admin_keys_see_other_users(client: Client) -> None:
    fill(client)
    mod = {"active_mod_name": f"nudge@{LONG}", "mod_text": f"org/model/nudge@{LONG}"}
    attempt(client, make_trace("public", LONG, request=mod, mod_calls=[call(1, mod=f"nudge@{LONG}")]), ADMIN_KEY)
    send(client, "POST", "/logs/public/public", ADMIN_KEY)
    unbound = make_key(client, name="unbound")["api_key"]
    paths = ["/auth/me", "/logs?limit=100", "/logs/public", "/v1/confidence/summary?group_by=user", "/v1/mods"]
    for key in (SHORT, unbound, None):
        for path in paths:
            answer = send(client, "GET", path, key)
            assert LONGS_LABEL not in json.dumps(answer.json, ensure_ascii=False), (path, key)
    assert send(client, "GET", "/logs/public", SHORT).json["user_api_key"] is None
    assert send(client, "GET", "/logs/public", ADMIN_KEY).json["user_api_key"] == LONGS_LABEL


def test_texts_of_a_public_log_contain_no_label(client: Client) -> None:
    fill(client)
    link = send(client, "POST", "/logs/long/public", ADMIN_KEY).json["public_url"]
    for path, key in ((link, None), (link, ADMIN_KEY), ("/logs/long", None), ("/logs/long", SHORT)):
        shown = json.dumps(send(client, "GET", path, key).json, ensure_ascii=False)
        assert LONGS_LABEL not in shown, (path, key)
