"""A server for all tests of attacks, which check how long other callers wait and how much memory its processes use."""

import json
from collections.abc import Iterator

import pytest

from tests.support.bystanders import MODEL, Target, run_server
from tests.support.databases import Databases
from tests.support.documents import make_document, number, one_token
from tests.support.keys import ADMIN_KEY


@pytest.fixture(scope="session")
def server(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """A `manage.py run` with two workers. Earlier attacks have left their traces in it."""
    url = databases.create("attacked")
    with run_server(tmp_path_factory.mktemp("attacked"), url, DATABASE_URL_DIRECT=databases.reach(url)) as running:
        trace = json.dumps(make_document("read-by-bystanders", number(one_token()), request={"model": MODEL}))
        headers = {"X-API-Key": ADMIN_KEY, "Content-Type": "application/json"}
        assert running.post("/v1/ingest", trace.encode(), headers)[0] == 201
        yield running
    databases.drop("attacked")
