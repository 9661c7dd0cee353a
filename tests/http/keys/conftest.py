"""A server for the tests of keys in this folder, and its database."""

from collections.abc import Iterator

import psycopg
import pytest

from tests.support.client import Client
from tests.support.databases import Databases
from tests.support.documents import make_document
from tests.support.keys import ADMIN_KEY, SECRET
from tests.support.servers import ServerThread, start_thread


@pytest.fixture(scope="package")
def url(databases: Databases) -> Iterator[str]:
    yield databases.create("keys")
    databases.drop("keys")


@pytest.fixture(scope="package")
def server(url: str) -> Iterator[ServerThread]:
    with start_thread(url, THUNDER_SECRET=SECRET) as server:
        document = make_document(request={"user_api_key": "key-of-ann"})
        assert server.client.ingest(document, x_api_key=ADMIN_KEY).status == 201
        yield server


@pytest.fixture
def keys(server: ServerThread) -> Client:
    server.forget_guesses()
    return server.client


@pytest.fixture
def rows(databases: Databases, url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(databases.reach(url), autocommit=True) as conn:
        yield conn
