"""Servers for the tests of the stream."""

from collections.abc import Iterator

import pytest

from tests.support.client import Client
from tests.support.databases import Databases
from tests.support.keys import ADMIN_KEY, SECRET
from tests.support.servers import Serve, server_thread


@pytest.fixture
def listening(serve: Serve, databases: Databases, database_url: str) -> Client:
    """A server that receives notifications. Ingest is open."""
    return serve(
        DATABASE_URL=database_url,
        DATABASE_URL_DIRECT=databases.reach(database_url),
        THUNDER_ADMIN_KEY=ADMIN_KEY,
        THUNDER_SECRET=SECRET,
        INGEST_AUTH="open",
    )


@pytest.fixture(scope="module")
def shared(databases: Databases, request: pytest.FixtureRequest) -> Iterator[Client]:
    """A server and a database for those tests of a module that do not affect each other."""
    name = f"stream_{request.module.__name__.rpartition('.')[2]}"
    url = databases.create(name)
    direct = databases.reach(url)
    with server_thread(url, DATABASE_URL_DIRECT=direct, THUNDER_SECRET=SECRET, INGEST_AUTH="open") as client:
        yield client
    databases.drop(name)
