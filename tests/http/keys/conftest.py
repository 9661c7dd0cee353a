"""A server for the tests of keys in this folder, and its database."""

from collections.abc import Iterator

import psycopg
import pytest

from tests.support.client import Client
from tests.support.databases import Databases
from tests.support.documents import make_document
from tests.support.keys import ADMIN_KEY, SECRET
from tests.support.servers import server_thread


@pytest.fixture(scope="package")
def url(databases: Databases) -> Iterator[str]:
    yield databases.create("keys")
    databases.drop("keys")


@pytest.fixture(scope="package")
def keys(url: str) -> Iterator[Client]:
    with server_thread(url, THUNDER_SECRET=SECRET) as client:
        document = make_document(request={"user_api_key": "key-of-ann"})
        assert client.ingest(document, x_api_key=ADMIN_KEY).status == 201
        yield client


@pytest.fixture
def rows(databases: Databases, url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(databases.reach(url), autocommit=True) as conn:
        yield conn
