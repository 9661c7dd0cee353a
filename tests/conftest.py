"""What the tests stand on: a real Postgres, a fresh database per test, a real server on a real socket."""

import hashlib
import hmac
import itertools
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
import urllib3
import uvicorn
from psycopg.conninfo import conninfo_to_dict

from core.database.migrations import migrate
from core.local.postgres import TEST_SETTINGS, EmbeddedPostgres, start_embedded
from tests import pgbouncer
from tests.client import Client

TRACES = Path(__file__).parent / "traces"
ADMIN_KEY = "ck_" + "a" * 64
SECRET = "a secret of the tests"
TEMPLATE = "thunder_template"
START_SECONDS = 10


def pytest_addoption(parser: pytest.Parser) -> None:
    text = "put a real PgBouncer in transaction mode in front of the tests' databases"
    parser.addoption("--pgbouncer", action="store_true", help=text)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """One server per test process, with a migrated template to copy from."""
    directory = tmp_path_factory.mktemp("postgres")
    with start_embedded(directory, settings=TEST_SETTINGS, os_users=[pgbouncer.OS_USER]) as server:
        migrate(server.create_database(TEMPLATE))
        yield server


@dataclass(frozen=True)
class Databases:
    """Databases of the tests' own, as the server under test and as the test reaches them."""

    server: EmbeddedPostgres
    pooler_port: int | None

    def create(self, name: str) -> str:
        """Make a migrated database and return its URL: through PgBouncer, if the tests run so."""
        direct = self.server.create_database(name, template=TEMPLATE)
        return direct if self.pooler_port is None else pgbouncer.pooled_dsn(self.pooler_port, name)

    def reach(self, url: str) -> str:
        """The URL to look behind the server's back by."""
        return self.server.dsn_of(str(conninfo_to_dict(url)["dbname"]))


@pytest.fixture(scope="session")
def databases(
    postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Databases]:
    if not request.config.getoption("--pgbouncer"):
        yield Databases(postgres, None)
        return
    if pgbouncer.PROGRAM is None:
        pytest.skip("there is no pgbouncer here (Debian: apt-get install pgbouncer)")
    with pgbouncer.run_pgbouncer(postgres, tmp_path_factory.mktemp("pgbouncer")) as port:
        yield Databases(postgres, port)


_names = (f"test_{number}" for number in itertools.count())


@pytest.fixture
def database_url(databases: Databases) -> Iterator[str]:
    """A migrated database of the test's own."""
    name = next(_names)
    yield databases.create(name)
    databases.server.drop_database(name)


@pytest.fixture
def sql(databases: Databases, database_url: str) -> Iterator[psycopg.Connection]:
    """A connection to look behind the server's back."""
    with psycopg.connect(databases.reach(database_url), autocommit=True) as conn:
        yield conn


Serve = Callable[..., Client]


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    """Start web functions in this process, each on a port of its own: `serve("functions.api:web", DATABASE_URL=…)`."""
    running: list[tuple[uvicorn.Server, threading.Thread, urllib3.PoolManager]] = []

    def start(factory: str = "functions.api:web", **environment: str) -> Client:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        config = uvicorn.Config(
            factory, factory=True, port=0, log_level="warning", proxy_headers=False, timeout_graceful_shutdown=2
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run)
        thread.start()
        deadline = time.monotonic() + START_SECONDS
        while not server.started and thread.is_alive() and time.monotonic() < deadline:
            time.sleep(0.005)
        assert server.started, "the server did not start"
        pool = urllib3.PoolManager(retries=False, timeout=60)
        running.append((server, thread, pool))
        port = server.servers[0].sockets[0].getsockname()[1]
        return Client(pool, f"http://127.0.0.1:{port}", ADMIN_KEY)

    yield start
    for server, thread, pool in running:
        pool.clear()
        server.should_exit = True
        thread.join()


@pytest.fixture
def client(serve: Serve, database_url: str) -> Client:
    """All endpoints on one origin, ingest open as with `make run` on loopback."""
    return serve(DATABASE_URL=database_url, THUNDER_ADMIN_KEY=ADMIN_KEY, THUNDER_SECRET=SECRET, INGEST_AUTH="open")


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the developer exported must not decide a test."""
    for name in list(os.environ):
        if name.startswith(("THUNDER_", "DATABASE_", "APP_", "MODAL_", "INGEST_", "BOOTSTRAP_", "MAX_BODY")):
            monkeypatch.delenv(name)


def trace_names() -> list[str]:
    """The recorded traces of tests/traces."""
    return sorted(path.stem for path in TRACES.glob("*.json"))


def load_trace(name: str) -> dict[str, Any]:
    """One recorded trace, by its file's name."""
    return json.loads((TRACES / f"{name}.json").read_bytes())


def label(user_key: str) -> str:
    """How the tests' server shows a user's key, worked out without its code."""
    digest = hmac.new(SECRET.encode(), user_key.encode(), hashlib.sha256).hexdigest()
    return f"{user_key[: 6 if len(user_key) >= 16 else 2]}…#{digest[:12]}"


def masked(document: dict[str, Any]) -> dict[str, Any]:
    """A document as it is stored: the user's key is its label, and nothing else changed."""
    request = document["request"]
    if not request.get("user_api_key"):
        return document
    return {**document, "request": {**request, "user_api_key": label(request["user_api_key"])}}
