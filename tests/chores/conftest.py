"""Two databases, and the commands of manage.py."""

from collections.abc import Iterator

import psycopg
import pytest

from core.local.postgres import EmbeddedPostgres
from tests.support.client import Client
from tests.support.command import Command
from tests.support.databases import TEMPLATE
from tests.support.keys import ADMIN_KEY, SECRET
from tests.support.rotation import Rotation
from tests.support.servers import Serve


@pytest.fixture
def second_url(postgres: EmbeddedPostgres) -> Iterator[str]:
    """A second migrated database, empty."""
    name = "chores_second"
    yield postgres.create_database(name, template=TEMPLATE)
    postgres.drop_database(name)


@pytest.fixture
def second_client(serve: Serve, second_url: str, client: Client) -> Client:
    """A server on the second database, in addition to `client`."""
    del client
    return serve(DATABASE_URL=second_url, THUNDER_ADMIN_KEY=ADMIN_KEY, THUNDER_SECRET=SECRET, INGEST_AUTH="open")


@pytest.fixture
def place(serve: Serve, database_url: str, manage: Command, sql: psycopg.Connection) -> Rotation:
    """A database with requests of three users, and a server with its secret, before a rotation."""
    return Rotation(serve, manage, sql, database_url)
