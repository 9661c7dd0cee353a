"""/health reports the state of the database within a deadline; /livez reports only the state of the process."""

import os
import signal
import time
from pathlib import Path
from typing import Any

from core.access.access import KEYLESS_WARNING, OPEN_INGEST_WARNING
from core.database.migrations import LATEST_VERSION, migrate
from core.local.postgres import TEST_SETTINGS, EmbeddedPostgres, start_embedded
from functions.web.application import VERSION
from tests.support.client import Client
from tests.support.keys import SECRET
from tests.support.processes import list_children
from tests.support.servers import Serve


def test_health_of_a_working_database_is_ok(client: Client) -> None:
    for path in ("/health", "/healthz"):
        answer = client.request("GET", path)
        assert answer.status == 200
        assert answer.json["status"] == "ok"
        assert answer.json["database"] == {"status": "ok", "error": None, "schema_version": LATEST_VERSION}


def test_health_shows_the_version_and_the_commit(serve: Serve, database_url: str) -> None:
    answers = [
        serve(DATABASE_URL=database_url, **commit).request("GET", "/healthz").json
        for commit in ({"THUNDER_COMMIT": "a" * 40}, {"THUNDER_COMMIT": ""})
    ]
    assert [answer["commit"] for answer in answers] == ["a" * 40, None]
    assert {answer["version"] for answer in answers} == {VERSION}


def test_open_settings_are_warnings(serve: Serve, database_url: str) -> None:
    settings: dict[str, Any] = {"DATABASE_URL": database_url, "THUNDER_ADMIN_KEY": "ck_x", "THUNDER_SECRET": SECRET}
    assert serve(**settings).get("/health").json["warnings"] == []
    client = serve(PLAYGROUND_KEYLESS="true", INGEST_AUTH="open", **settings)
    assert client.get("/health").json["warnings"] == [OPEN_INGEST_WARNING, KEYLESS_WARNING]


def test_without_a_database_only_livez_answers_200(serve: Serve) -> None:
    client = serve(INGEST_AUTH="open", THUNDER_ADMIN_KEY="ck_x")
    assert client.request("GET", "/livez").status == 200
    for answer in (
        client.request("GET", "/health"),
        client.request("GET", "/logs", x_api_key="ck_x"),
        client.ingest({"request": {"request_id": "r"}}),
    ):
        assert answer.status == 503
    assert client.request("GET", "/health").json["status"] == "degraded"
    sentence = client.request("GET", "/health").json["database"]["error"]
    assert sentence == "DATABASE_URL: not set; set it to the URL of a Postgres database"


def test_an_unreachable_database_is_degraded_and_its_password_hidden(serve: Serve, tmp_path: Path) -> None:
    client = serve(DATABASE_URL=f"postgresql://u:hunter2@/none?host={tmp_path}", INGEST_AUTH="open")
    began = time.monotonic()
    answer = client.request("GET", "/health")
    assert time.monotonic() - began < 4
    assert answer.status == 503
    assert answer.json["status"] == "degraded"
    assert b"hunter2" not in answer.data


def test_an_unmigrated_database_names_the_command(serve: Serve, postgres: EmbeddedPostgres) -> None:
    client = serve(DATABASE_URL=postgres.dsn, INGEST_AUTH="open", THUNDER_ADMIN_KEY="ck_x")
    assert "manage.py migrate" in client.request("GET", "/health").json["database"]["error"]
    for answer in (client.request("GET", "/logs", x_api_key="ck_x"), client.ingest({"request": {"request_id": "r"}})):
        assert answer.status == 503
        assert "manage.py migrate" in answer.json["error"]
        assert answer.headers["retry-after"]


def test_a_database_that_hangs_is_degraded_within_three_seconds_and_recovers(serve: Serve, tmp_path: Path) -> None:
    with start_embedded(tmp_path / "own", settings=TEST_SETTINGS) as server:
        migrate(server.dsn)
        client = serve(DATABASE_URL=server.dsn)
        assert client.request("GET", "/health").status == 200
        backends = list_children(server.pid)
        for pid in (server.pid, *backends):
            os.kill(pid, signal.SIGSTOP)
        try:
            began = time.monotonic()
            answer = client.request("GET", "/health")
            assert time.monotonic() - began < 3
            assert answer.status == 503
            assert "did not answer" in answer.json["database"]["error"]
            assert client.request("GET", "/livez").status == 200
        finally:
            for pid in (server.pid, *backends):
                os.kill(pid, signal.SIGCONT)
        assert _eventually_healthy(client)


def _eventually_healthy(client: Client) -> bool:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if client.request("GET", "/health").status == 200:
            return True
        time.sleep(0.1)
    return False
