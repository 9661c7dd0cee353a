"""Attacks that the specification lists, and other ways to reveal a key."""

import base64
import hashlib
import itertools
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import psycopg
import pytest
from psycopg import sql as psycopg_sql

from core.wire.zstandard import decompress
from tests.support.client import Answer, Client, make_key, send
from tests.support.databases import Databases
from tests.support.documents import Document, action, call, make_document, number, one_token
from tests.support.keys import ADMIN_KEY, SECRET, label
from tests.support.servers import Serve, server_thread

ZSTD_FRAME = b"\x28\xb5\x2f\xfd"


@dataclass(frozen=True)
class Place:
    """A server where ingest is open, and a direct connection to its database."""

    client: Client
    sql: psycopg.Connection
    numbers: Iterator[int]

    def name(self, kind: str = "r") -> str:
        return f"{kind}-{next(self.numbers)}"

    def post(self, user: str | None = None, key: str | None = ADMIN_KEY, request_id: str | None = None) -> str:
        """Post a complete trace and return its id."""
        request_id = request_id or self.name()
        answer = attempt(self.client, make_trace(request_id, user), key)
        assert answer.status == 201, answer.data
        return request_id

    def give(self, user: str | None = None, *scopes: str) -> str:
        """Issue a key for a user."""
        fields: dict[str, Any] = {"scopes": list(scopes)} if scopes else {}
        return make_key(self.client, name="given", allowed_api_key=user or "", **fields)["api_key"]

    def get(self, path: str, key: str | None) -> Answer:
        return send(self.client, "GET", path, key)

    def dump(self) -> dict[str, list[tuple[Any, ...]]]:
        """Return all rows of all tables that contain traces."""
        tables = self.sql.execute("select tablename from pg_tables where schemaname = 'public' order by 1").fetchall()
        named = [str(name) for (name,) in tables]
        dumped = {
            name: self.sql.execute(psycopg_sql.SQL("table {}").format(psycopg_sql.Identifier(name))).fetchall()
            for name in named
        }
        return {name: sorted(rows, key=repr) for name, rows in dumped.items() if name != "api_keys"}


def make_trace(request_id: str, user: str | None = None, **parts: Any) -> Document:
    request = {"final_text": request_id, **({"user_api_key": user} if user else {}), **parts.pop("request", {})}
    calls = [call(1), call(2, "Added")]
    lines = [{"mod_call_sequence": 0, "mod_name": "nudge", "log_message": "hm"}]
    rows = {"mod_calls": calls, "mod_logs": lines, "actions": [action("Noop")], **parts}
    return make_document(request_id, number(one_token()), request=request, **rows)


def attempt(client: Client, document: object, key: str | None) -> Answer:
    return client.ingest(document, **({"x_api_key": key} if key else {}))


@pytest.fixture(scope="module")
def place(databases: Databases) -> Iterator[Place]:
    url = databases.create("holes")
    with (
        server_thread(url, THUNDER_SECRET=SECRET, INGEST_AUTH="open") as client,
        psycopg.connect(databases.reach(url), autocommit=True) as sql,
    ):
        yield Place(client, sql, itertools.count())
    databases.drop("holes")


# "anyone could post or overwrite any trace"


def test_posting_requires_a_key_with_that_right(serve: Serve, database_url: str, sql: psycopg.Connection) -> None:
    client = serve(DATABASE_URL=database_url, THUNDER_ADMIN_KEY=ADMIN_KEY, THUNDER_SECRET=SECRET)
    attempt(client, make_trace("own", "key-of-ann"), ADMIN_KEY)
    reader = make_key(client, name="reader", allowed_api_key="key-of-ann")["api_key"]
    revoked = make_key(client, name="revoked", scopes=["ingest"])
    send(client, "DELETE", "/auth/keys", ADMIN_KEY, id=revoked["id"])
    statuses = {None: 401, "wrong": 401, "key-of-ann": 403, reader: 403, revoked["api_key"]: 401}
    for key, status in statuses.items():
        for request_id in ("own", "new"):
            assert attempt(client, make_trace(request_id, "key-of-ann"), key).status == status
    assert sql.execute("select request_id, revision from requests").fetchall() == [("own", 1)]


@pytest.mark.parametrize("attacker", ["keyless", "another user", "an ingest key", "a bound ingest key", "a wrong key"])
@pytest.mark.parametrize("victim", ["a user", "the admins", "an ingest key", "a bound ingest key"])
@pytest.mark.parametrize("revisions", [1, 2])
def test_other_callers_cannot_overwrite_a_trace(place: Place, victim: str, attacker: str, revisions: int) -> None:
    owners: dict[str, tuple[str | None, str | None]] = {
        "a user": ("key-of-the-victim", ADMIN_KEY),
        "the admins": (None, ADMIN_KEY),
        "an ingest key": (None, place.give(None, "ingest")),
        "a bound ingest key": (None, place.give("key-of-the-victim", "ingest")),
    }
    attackers: dict[str, tuple[str | None, str | None]] = {
        "keyless": (None, None),
        "another user": ("key-of-the-attacker", None),
        "an ingest key": (None, place.give(None, "ingest")),
        "a bound ingest key": (None, place.give("key-of-the-attacker", "ingest")),
        "a wrong key": (None, "wrong"),
    }
    request_id = place.name()
    for _ in range(revisions):
        place.post(*owners[victim], request_id)
    link = send(place.client, "POST", f"/logs/{request_id}/public", ADMIN_KEY).json["public_url"]
    shown, before = place.get(f"/logs/{request_id}", ADMIN_KEY).data, place.dump()
    user, key = attackers[attacker]
    overwrite = make_trace(request_id, user, request={"final_text": "mine now"})
    answer = attempt(place.client, overwrite, key)
    assert answer.status == (401 if key == "wrong" else 409), answer.data
    assert set(answer.json) == {"error", "message", "code"}
    assert place.dump() == before
    assert place.get(f"/logs/{request_id}", ADMIN_KEY).data == shown
    assert place.get(link, None).status == 200


def test_concurrent_posts_of_a_new_id_by_two_owners_store_one(place: Place) -> None:
    keys = {"key-of-ann": place.give("key-of-ann", "ingest"), "key-of-bob": place.give("key-of-bob", "ingest")}
    with ThreadPoolExecutor(6) as executor:
        for _ in range(5):
            document = make_trace(request_id := place.name())
            posted = [executor.submit(attempt, place.client, document, key) for key in [*keys.values()] * 3]
            assert sorted(one.result().status for one in posted) == [201] * 3 + [409] * 3
            owners = [user for user in keys if place.get(f"/logs/{request_id}", user).status == 200]
            assert len(owners) == 1
            assert place.get(f"/logs/{request_id}", ADMIN_KEY).json["user_api_key"] == label(owners[0])


def test_a_trace_posted_without_a_key_can_be_replaced_without_one(place: Place) -> None:
    request_id = place.post(key=None)
    again = attempt(place.client, make_trace(request_id), None)
    assert (again.status, again.json["revision"]) == (201, 2)
    assert attempt(place.client, make_trace(request_id), "wrong").status == 401
    assert attempt(place.client, make_trace(request_id), ADMIN_KEY).json["revision"] == 3


def test_a_user_key_replaces_the_traces_of_its_user(place: Place) -> None:
    request_id = place.post("key-of-ann", place.give("key-of-ann", "ingest"))
    assert attempt(place.client, make_trace(request_id, "key-of-ann"), None).json["revision"] == 2
    assert attempt(place.client, make_trace(request_id, "key-of-ann"), place.give(None, "ingest")).status == 201


def test_a_rotated_ingest_key_replaces_the_traces_of_its_predecessor(place: Place) -> None:
    old = make_key(place.client, name="old", scopes=["ingest"])
    request_id = place.post(key=old["api_key"])
    new = send(place.client, "POST", f"/auth/keys/{old['id']}/rotate", ADMIN_KEY, overlap_hours=0).json
    newest = send(place.client, "POST", f"/auth/keys/{new['id']}/rotate", ADMIN_KEY, overlap_hours=1).json
    for revision, key in enumerate([new, newest], start=2):
        assert attempt(place.client, make_trace(request_id), key["api_key"]).json["revision"] == revision


def test_a_bound_ingest_key_posts_only_traces_of_its_user(place: Place) -> None:
    key = place.give("key-of-ann", "ingest")
    unnamed, named = place.post(key=key), place.post("key-of-ann", key)
    for request_id in (unnamed, named):
        assert place.get(f"/logs/{request_id}", "key-of-ann").json["user_api_key"] == label("key-of-ann")
    for foreign in ("key-of-bob", "ann", label("key-of-ann")):
        request_id, before = place.name(), place.dump()
        assert attempt(place.client, make_trace(request_id, foreign), key).status == 403
        assert place.dump() == before


def test_ownership_ignores_the_author_that_a_document_names(place: Place) -> None:
    place.post("key-of-ann")
    said = {"created_by": "key-of-ann", "added_by": "key-of-ann", "allowed_api_key": "key-of-ann"}
    for request in (dict[str, str](), said, {"user_key_hmac": "x", "posted_by": "admin"}):
        for key in (None, place.give(None, "ingest")):
            request_id = place.name()
            assert attempt(place.client, make_trace(request_id, request=request, **said), key).status == 201
            assert place.get(f"/logs/{request_id}", "key-of-ann").status == 404
            assert place.get(f"/logs/{request_id}", ADMIN_KEY).json["user_api_key"] is None


def test_a_label_does_not_work_as_a_key(place: Place) -> None:
    mine = place.post("key-of-ann")
    shown = label("key-of-ann")
    assert send_label(place, "/auth/validate", shown).status == 401
    theirs = place.post(shown, None)
    assert place.get(f"/logs/{theirs}", "key-of-ann").status == 404
    assert send_label(place, f"/logs/{mine}", shown).status in {401, 404}


def send_label(place: Place, path: str, text: str) -> Answer:
    return place.client.request("GET", path, x_api_key=text.encode().decode("latin-1"))


# "any key could tag, comment on, edit or delete in others' logs" and "a key with no `allowed_api_key` could publish"

ACTS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "judge": ("POST", "outcome", {"correct": True}),
    "publish": ("POST", "public", {}),
    "unpublish": ("DELETE", "public", {}),
    "read the log": ("GET", "", {}),
    "read the trace": ("GET", "trace", {}),
    "read the verdicts": ("GET", "outcome", {}),
}


@pytest.mark.parametrize("whose", ["another user", "nobody"])
@pytest.mark.parametrize("key", ["a user's own", "bound to a user", "bound to nobody", "of every scope but admin"])
@pytest.mark.parametrize("act", ACTS)
def test_a_key_cannot_change_what_it_does_not_own(place: Place, act: str, key: str, whose: str) -> None:
    place.post("key-of-the-attacker")
    match key:
        case "a user's own":
            given = "key-of-the-attacker"
        case "bound to a user":
            given = place.give("key-of-the-attacker")
        case "bound to nobody":
            given = place.give()
        case _:
            given = place.give(None, "read", "curate", "ingest")
    request_id, missing = place.post("key-of-the-victim" if whose == "another user" else None), place.name()
    before = place.dump()
    method, part, body = ACTS[act]
    answers = [
        send(place.client, method, f"/logs/{one}/{part}".rstrip("/"), given, **body) for one in (request_id, missing)
    ]
    assert [answer.status for answer in answers] == [404, 404]
    assert answers[0].data.replace(request_id.encode(), b"") == answers[1].data.replace(missing.encode(), b"")
    assert hide_length(answers[0]) == hide_length(answers[1])
    assert place.dump() == before


def hide_length(answer: Answer) -> dict[str, str]:
    different = {"content-length", "date", "x-request-id"}
    return {name: value for name, value in answer.headers.items() if name not in different}


def test_lists_and_statistics_contain_only_the_callers_data(place: Place) -> None:
    mine = [place.post("key-of-carl"), place.post("key-of-carl")]
    place.post("key-of-dora")
    place.post()
    verdict = {"correct": True, "source": "of-carl"}
    assert send(place.client, "POST", f"/logs/{mine[0]}/outcome", "key-of-carl", **verdict).status == 200
    nothing: list[str] = []
    for key, expected in (("key-of-carl", mine), (place.give("key-of-carl"), mine), (place.give(), nothing)):
        count = len(expected)
        assert {row["request_id"] for row in place.get("/logs?limit=100", key).json["data"]} == set(expected)
        groups = place.get("/v1/confidence/summary?group_by=user", key).json["groups"]
        assert [(one["key"], one["n"]) for one in groups] == [(label("key-of-carl"), count)] * bool(count)
        assert sum(mod["requests"] for mod in place.get("/v1/mods", key).json["mods"]) == count
        assert place.get("/v1/confidence/calibration?outcome_source=of-carl", key).json["n"] == bool(count)
        for path in ("risk-coverage", "threshold"):
            assert place.get(f"/v1/confidence/{path}?score=sequence_confidence", key).json["n"] <= bool(count)
        drift = place.get("/v1/confidence/drift", key).json
        assert sum(side["n"] for side in drift.values() if isinstance(side, dict) and "n" in side) in (
            0,
            count,
            2 * count,
        )
    stolen = place.get("/v1/confidence/calibration?outcome_source=of-carl", "key-of-dora").json
    assert stolen["n"] == 0


def test_a_filter_by_user_shows_no_further_requests(place: Place) -> None:
    mine, theirs = place.post("key-of-emil"), place.post("key-of-fay")
    for asked in ("key-of-fay", label("key-of-fay")):
        path = f"/logs?limit=100&api_key={quote(asked)}"
        assert place.get(path, "key-of-emil").json["data"] == []
        assert place.get(path, place.give()).json["data"] == []
        assert [row["request_id"] for row in place.get(path, "key-of-fay").json["data"]] == [theirs]
        assert [row["request_id"] for row in place.get(path, ADMIN_KEY).json["data"]] == [theirs]
    for asked in ("key-of-emil", label("key-of-emil")):
        path = f"/logs?limit=100&api_key={quote(asked)}"
        assert [row["request_id"] for row in place.get(path, "key-of-emil").json["data"]] == [mine]
    for nobody in ("key-of", label("nobody's"), label("key-of-fay")[:-1], "%", "…#"):
        assert place.get(f"/logs?api_key={quote(nobody)}", ADMIN_KEY).json["data"] == []


# "keys sat in the database as plain text"

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
    api_key = make_key(client, name="reader", allowed_api_key=LONG, description="for long")
    admin = make_key(client, name="admin", is_admin=True)
    rotated = send(client, "POST", f"/auth/keys/{api_key['id']}/rotate", ADMIN_KEY, overlap_hours=2).json
    tokens = [
        send(client, "POST", f"/logs/{name}/public", ADMIN_KEY).json["public_token"] for name in ("long", "short")
    ]
    send(client, "DELETE", "/logs/long/public", LONG)
    tokens.append(send(client, "POST", "/logs/long/public", LONG).json["public_token"])
    assert send(client, "GET", "/logs", admin["api_key"]).status == 200
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


@pytest.mark.parametrize(
    ("user", "shown"),
    [
        ("marshall-alpha-test-key", "marsha"),
        ("k" * 16, "kkkkkk"),
        ("k" * 15, "kk"),
        ("bob", "bo"),
        ("é" * 16, "é" * 6),
        ("\U0001f642" * 3, "\U0001f642" * 2),
        ('"\\\n' * 6, '"\\\n"\\\n'),
    ],
)
def test_a_label_is_the_start_of_the_key_and_twelve_digits(place: Place, user: str, shown: str) -> None:
    first, second = place.post(user), place.post(user, None)
    shown_labels = [place.get(f"/logs/{one}", ADMIN_KEY).json["user_api_key"] for one in (first, second)]
    assert shown_labels == [label(user)] * 2
    beginning, _, digits = shown_labels[0].partition("…#")
    assert beginning == shown
    assert len(digits) == 12
    assert int(digits, 16) >= 0


@pytest.mark.parametrize(
    "user", ["\0abc", "ab\0c" * 5, "\ud800abc", "\udfff" * 20, "x" * 100_000, " ", "…#" + "0" * 12]
)
def test_any_text_may_be_a_users_key(place: Place, user: str) -> None:
    request_id = place.post(user)
    shown = place.get(f"/logs/{request_id}", ADMIN_KEY).json["user_api_key"]
    assert "\0" not in shown
    assert len(shown) <= 6 + len("…#") + 12
    found = place.get(f"/logs?api_key={quote(shown)}", ADMIN_KEY).json["data"]
    assert [row["request_id"] for row in found] == [request_id]


def test_a_long_id_or_deep_document_with_a_user_key_is_stored_or_rejected(place: Place) -> None:
    key = "k" * 16
    deep = json.loads("[" * 600 + "]" * 600)
    for document in (
        make_document(key + "x" * 496, request={"user_api_key": key}),
        make_document("a@bob" * 100, request={"user_api_key": "bob"}),
        make_document(place.name(), request={"user_api_key": key, "inference_stats": {"a": deep}}),
        make_document(place.name(), request={"user_api_key": key}, extra=[deep, key]),
    ):
        answer = attempt(place.client, document, ADMIN_KEY)
        assert answer.status in {201, 400}, answer.data


def test_labels_depend_on_the_secret(serve: Serve, database_url: str) -> None:
    labels = []
    for secret in (SECRET, "another"):
        client = serve(DATABASE_URL=database_url, THUNDER_ADMIN_KEY=ADMIN_KEY, THUNDER_SECRET=secret)
        attempt(client, make_trace(secret, LONG), ADMIN_KEY)
        labels.append(send(client, "GET", "/auth/validate", LONG).json["name"])
    assert labels[0] == LONGS_LABEL
    assert labels[1] != LONGS_LABEL


# "a revoked key kept working for five minutes in every process that had cached it"


def test_a_revoked_key_is_rejected_by_the_next_request(place: Place) -> None:
    for fields in ({"is_admin": True}, {"allowed_api_key": "key-of-ann"}, {"scopes": ["ingest", "read"]}):
        key = make_key(place.client, name="k", **fields)
        for _ in range(3):
            assert place.get("/logs", key["api_key"]).status == 200
        assert send(place.client, "DELETE", "/auth/keys", ADMIN_KEY, id=key["id"]).status == 200
        for path in ("/logs", "/auth/validate", "/v1/mods", "/v1/confidence/summary"):
            assert place.get(path, key["api_key"]).status == 401


def test_a_revoked_key_does_not_become_a_user_key(place: Place) -> None:
    key = make_key(place.client, name="k", allowed_api_key="key-of-ann")
    send(place.client, "DELETE", "/auth/keys", ADMIN_KEY, id=key["id"])
    place.post(key["api_key"], None)
    assert place.get("/logs", key["api_key"]).status == 401


def test_an_api_key_used_as_a_user_key_gains_no_rights(place: Place) -> None:
    key = make_key(place.client, name="k")
    request_id = place.post(key["api_key"], None)
    assert place.get(f"/logs/{request_id}", key["api_key"]).status == 404
    place.post(ADMIN_KEY, None)
    assert place.get("/auth/me", ADMIN_KEY).json == {"name": "admin", "allowed_api_key": None, "is_admin": True}
