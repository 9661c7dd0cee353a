"""A process whose database belongs to another app answers 503, and reads and writes no rows."""

import json
import re

import psycopg
import pytest
from psycopg import sql as composed
from starlette.routing import Route
from websockets.exceptions import InvalidStatus

from core.database.migrations import adopt
from functions.api import web
from tests.support.client import Answer, Client
from tests.support.documents import load_trace
from tests.support.keys import ADMIN_KEY, SECRET
from tests.support.servers import Serve
from tests.support.stamps import OURS, SENTENCE, THEIRS
from tests.support.streams import ask_for_events, open_socket, receive_close

ERROR = {"error": SENTENCE, "message": SENTENCE, "code": 503}
TOKENS = {"tokens": [{"text": "x", "logprob": -1.0}]}
HEALTH = {"/health", "/healthz"}


@pytest.fixture
def staging(serve: Serve, database_url: str) -> Client:
    """A staging process on the database of production, with open ingest as in `make run`."""
    settings = {"THUNDER_ADMIN_KEY": ADMIN_KEY, "THUNDER_SECRET": SECRET, "INGEST_AUTH": "open"}
    return serve(DATABASE_URL=database_url, THUNDER_APP_NAME=THEIRS, BOOTSTRAP_SECRET="s", **settings)


def list_routes() -> list[tuple[str, str]]:
    routes = {
        (method, re.sub(r"{key_id}", "1", re.sub(r"{(request_id|token)(:path)?}", "x", route.path)))
        for route in web().routes
        if isinstance(route, Route)
        for method in route.methods or ()
        if method != "HEAD"
    }
    return sorted(routes - {("GET", "/livez")})


def count_rows(sql: psycopg.Connection) -> dict[str, object]:
    tables = [name for (name,) in sql.execute("select tablename from pg_tables where schemaname = 'public'")]
    tables.remove("audit_log")  # the adoption itself is recorded
    count = composed.SQL("select count(*) from {}")
    return {name: sql.execute(count.format(composed.Identifier(name))).fetchone() for name in tables}


def ask(client: Client, method: str, path: str, **headers: str) -> Answer:
    body = json.dumps(load_trace("plain-capital")).encode() if method != "GET" else None
    return client.request(method, path, body, content_type="application/json", **headers)


def test_livez_answers_and_health_explains(staging: Client) -> None:
    assert staging.request("GET", "/livez").status == 200
    for path in HEALTH:
        answer = staging.request("GET", path)
        assert (answer.status, answer.json["status"], answer.json["app"]) == (503, "degraded", THEIRS)
        assert answer.json["database"]["error"] == SENTENCE


@pytest.mark.parametrize("key", [None, ADMIN_KEY, "ck_" + "f" * 64], ids=["no key", "admin", "unknown key"])
def test_all_other_routes_answer_503(staging: Client, key: str | None) -> None:
    headers = {"x_api_key": key} if key else {}
    answers = {
        (method, path): ask(staging, method, path, **headers) for method, path in list_routes() if path not in HEALTH
    }
    assert {route: answer.status for route, answer in answers.items()} == dict.fromkeys(answers, 503)
    for (_, path), answer in answers.items():
        also = {"status": "error", "error_code": "UNAVAILABLE"} if path.startswith("/playground/activations/") else {}
        assert answer.json == {**ERROR, **also}
        assert answer.headers["retry-after"]
    assert staging.request("GET", "/no/such/path").json == ERROR


def test_requests_leave_the_rows_unchanged(
    client: Client, serve: Serve, database_url: str, sql: psycopg.Connection
) -> None:
    for name in ("plain-capital", "backtrack"):
        assert client.ingest(load_trace(name)).status == 201
    before = count_rows(sql)
    assert before["requests"] == (2,)
    staging = serve(DATABASE_URL=database_url, THUNDER_APP_NAME=THEIRS)
    for method, path in list_routes():
        ask(staging, method, path)
        ask(staging, method, path, x_api_key=ADMIN_KEY)
    for name in ("force-prefix", "plain-capital"):
        answer = staging.ingest(load_trace(name))
        assert (answer.status, answer.json) == (503, ERROR)
    assert count_rows(sql) == before
    assert sql.execute("select max(revision) from requests").fetchone() == (1,)


def test_an_adoption_is_detected_by_the_next_read(client: Client, database_url: str) -> None:
    assert client.get("/logs").status == 200
    assert client.get("/auth/me").status == 200
    adopt(database_url, app_name=THEIRS)
    for path in ("/auth/me", "/auth/validate", "/metrics", "/logs", "/logs/x", "/v1/mods", "/auth/keys"):
        answer = client.get(path)
        assert answer.status == 503
        assert answer.json["error"].startswith(f"database: belongs to {THEIRS}; this app is {OURS}; ")
    adopt(database_url, app_name=OURS)
    assert client.get("/logs").status == 200


def test_an_adoption_is_detected_by_the_next_ingest(client: Client, database_url: str, sql: psycopg.Connection) -> None:
    assert client.ingest(load_trace("plain-capital")).status == 201
    before = count_rows(sql)
    adopt(database_url, app_name=THEIRS)
    for name in ("plain-capital", "backtrack"):
        answer = client.ingest(load_trace(name))
        assert (answer.status, answer.json["code"]) == (503, 503)
        assert answer.json["error"].startswith(f"database: belongs to {THEIRS}; this app is {OURS}; ")
    assert count_rows(sql) == before
    assert sql.execute("select max(revision) from requests").fetchone() == (1,)
    adopt(database_url, app_name=OURS)
    assert client.ingest(load_trace("plain-capital")).json["revision"] == 2


def test_an_unstamped_database_is_rejected(client: Client, sql: psycopg.Connection) -> None:
    sql.execute("delete from environment")
    sentence = "database: has no stamp yet; run `manage.py migrate`"
    answer = client.get("/logs")
    assert (answer.status, answer.json["error"]) == (503, sentence)
    assert client.ingest(load_trace("plain-capital")).json["error"] == sentence
    assert client.request("GET", "/health").json["database"]["error"] == sentence


def test_no_stream_opens_and_open_streams_end(client: Client, staging: Client, database_url: str) -> None:
    with pytest.raises(InvalidStatus) as refused, open_socket(staging):
        pass
    assert refused.value.response.status_code == 503
    assert json.loads(refused.value.response.body or b"") == ERROR
    assert ask_for_events(staging, ADMIN_KEY).json == ERROR
    with open_socket(client) as socket:
        adopt(database_url, app_name=THEIRS)
        code, reason = receive_close(socket)
        assert (code, reason.startswith(f"database: belongs to {THEIRS}; this app is {OURS}; ")) == (1013, True)
