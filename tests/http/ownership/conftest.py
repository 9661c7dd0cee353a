"""One server for all tests of ownership. Their requests have ids and users of their own."""

import itertools
from collections.abc import Iterator

import psycopg
import pytest

from tests.support.databases import Databases
from tests.support.keys import SECRET
from tests.support.open_server import OpenServer
from tests.support.servers import server_thread


@pytest.fixture(scope="session")
def place(databases: Databases) -> Iterator[OpenServer]:
    url = databases.create("ownership")
    with (
        server_thread(url, THUNDER_SECRET=SECRET, INGEST_AUTH="open") as client,
        psycopg.connect(databases.reach(url), autocommit=True) as sql,
    ):
        yield OpenServer(client, sql, itertools.count())
    databases.drop("ownership")
