"""A durable Postgres that tests may kill and restart, a database per test, and a proxy in front of it."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from core.database.migrations import migrate
from core.local.postgres import EmbeddedPostgres, await_ready, start_embedded
from tests.support.processes import kill_postgres, proxied, socket_of
from tests.support.proxy import Proxy

TEMPLATE = "faults_template"


@dataclass(frozen=True, slots=True)
class Faulty:
    """A database behind a proxy, with the faults that tests cause."""

    server: EmbeddedPostgres
    name: str
    proxy: Proxy

    @property
    def url(self) -> str:
        """The URL for the server under test, through the proxy."""
        return proxied(self.proxy, self.name)

    @property
    def dsn(self) -> str:
        """The direct DSN for the test."""
        return self.server.dsn_of(self.name)

    def kill(self) -> None:
        kill_postgres(self.server.pid)

    def restart(self) -> None:
        self.server.restart()
        await_ready(self.server)


@pytest.fixture(scope="session")
def durable_postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """A Postgres with the settings of `make run`: acknowledged data is on disk."""
    with start_embedded(tmp_path_factory.mktemp("durable")) as server:
        migrate(server.create_database(TEMPLATE))
        yield server


_names = (f"faulty_{number}" for number in itertools.count())


@pytest.fixture
def faulty(durable_postgres: EmbeddedPostgres) -> Iterator[Faulty]:
    name = next(_names)
    durable_postgres.create_database(name, template=TEMPLATE)
    with Proxy(lambda: socket_of(durable_postgres)) as proxy:
        yield Faulty(durable_postgres, name, proxy)
    if durable_postgres.exit_code is not None:
        durable_postgres.restart()
        await_ready(durable_postgres)
    durable_postgres.drop_database(name)
