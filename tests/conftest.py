"""Fixtures of all tests: a real Postgres, an empty migrated database for each test, real servers on real sockets."""

import itertools
import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, settings

from core.database.migrations import migrate
from core.local.postgres import TEST_SETTINGS, EmbeddedPostgres, start_embedded
from tests.support import pgbouncer
from tests.support.client import Client
from tests.support.command import Command, run_command
from tests.support.databases import TEMPLATE, Databases, SharedDatabase
from tests.support.keys import ADMIN_KEY, SECRET
from tests.support.servers import ALL_ENDPOINTS, Serve, ServerThread, serving, start_thread

# A busy machine draws slowly, and misses deadlines.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")


# A shell that starts the tests in the background makes them ignore Ctrl-C, and the processes that they start as well.
signal.signal(signal.SIGINT, signal.default_int_handler)

# The endpoints, the streams and the commands of manage.py hold connections, transactions and LISTEN. All other tests
# call the same endpoints.
POOLED = tuple(str(Path(__file__).parent / name) + os.sep for name in ("http", "stream", "chores"))
"""Directories whose tests reach their databases through PgBouncer with `--pgbouncer`; those marked `both_ways` run
directly as well."""


def pytest_addoption(parser: pytest.Parser) -> None:
    text = "reach the databases of tests/http, stream and chores through a real PgBouncer in transaction mode"
    parser.addoption("--pgbouncer", action="store_true", help=text)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "both_ways: with --pgbouncer, run with direct connections as well")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "databases" in metafunc.fixturenames and metafunc.config.getoption("--pgbouncer"):
        ways = ["pgbouncer"] if str(metafunc.definition.path).startswith(POOLED) else ["direct"]
        if metafunc.definition.get_closest_marker("both_ways"):
            ways = ["direct", "pgbouncer"]
        metafunc.parametrize("databases", ways, indirect=True, scope="session")


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """The Postgres of a test process, with a migrated template to copy from."""
    directory = tmp_path_factory.mktemp("postgres")
    with start_embedded(directory, settings=TEST_SETTINGS, os_users=[pgbouncer.OS_USER]) as server:
        migrate(server.create_database(TEMPLATE))
        yield server


@pytest.fixture(scope="session")
def databases(
    postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Databases]:
    if getattr(request, "param", "direct") == "direct":
        yield Databases(postgres, None)
        return
    if pgbouncer.PROGRAM is None:
        pytest.skip("pgbouncer is not installed (Debian: apt-get install pgbouncer)")
    with pgbouncer.run_pgbouncer(postgres, tmp_path_factory.mktemp("pgbouncer")) as port:
        yield Databases(postgres, port)


@pytest.fixture(scope="session")
def shared_database(databases: Databases) -> Iterator[SharedDatabase]:
    database = SharedDatabase(databases, "shared")
    yield database
    database.close()
    databases.drop(database.name)


@pytest.fixture
def database_url(shared_database: SharedDatabase) -> str:
    """A migrated database without rows. Tests share it one after the other, which is faster than creating one."""
    shared_database.reset()
    return shared_database.url


_names = (f"test_{number}" for number in itertools.count())


@pytest.fixture
def new_database_url(databases: Databases) -> Iterator[str]:
    """A migrated database that no other test uses."""
    name = next(_names)
    yield databases.create(name)
    databases.drop(name)


@pytest.fixture
def sql(databases: Databases, database_url: str) -> Iterator[psycopg.Connection]:
    """A direct connection to the database of the test, without the server."""
    with psycopg.connect(databases.reach(database_url), autocommit=True) as conn:
        yield conn


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    """Start web functions with settings of the test's own: `serve("functions.api:web", DATABASE_URL=…)`."""
    with ExitStack() as running:

        def start(factory: str = ALL_ENDPOINTS, **environment: str) -> Client:
            for name, value in environment.items():
                monkeypatch.setenv(name, value)
            return running.enter_context(serving(factory)).client

        yield start


@pytest.fixture(scope="session")
def shared_server(shared_database: SharedDatabase) -> Iterator[ServerThread]:
    with start_thread(shared_database.url, THUNDER_SECRET=SECRET, INGEST_AUTH="open") as server:
        yield server


@pytest.fixture
def client(shared_server: ServerThread, database_url: str) -> Client:
    """All endpoints on one origin over an empty database; ingest is open, as with `make run` on loopback."""
    del database_url
    shared_server.forget_guesses()
    return shared_server.client


@pytest.fixture
def new_client(serve: Serve, database_url: str) -> Client:
    """The same in a server that this test alone uses, for tests of what a server keeps or logs."""
    return serve(DATABASE_URL=database_url, THUNDER_ADMIN_KEY=ADMIN_KEY, THUNDER_SECRET=SECRET, INGEST_AUTH="open")


@pytest.fixture
def manage(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Command:
    """Run a command of manage.py in a directory of its own: `manage("export", "--what", "steps", on=url)`."""
    monkeypatch.chdir(tmp_path)
    return run_command


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove Thunder's settings from the developer's environment."""
    prefixes = ("THUNDER_", "DATABASE_", "APP_", "MODAL_", "INGEST_", "BOOTSTRAP_", "MAX_BODY", "OTEL_", "PLAYGROUND_")
    for name in list(os.environ):
        if name.startswith(prefixes):
            monkeypatch.delenv(name)
