"""A server for all tests of attacks, which check how long other callers wait and how much memory its processes use."""

from collections.abc import Iterator

import pytest

from tests.support.bystanders import Target, run_server
from tests.support.databases import Databases


@pytest.fixture(scope="session")
def server(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """A `manage.py run` with two workers. Earlier attacks have left their traces in it."""
    url = databases.create("attacked")
    with run_server(tmp_path_factory.mktemp("attacked"), url, DATABASE_URL_DIRECT=databases.reach(url)) as running:
        yield running
    databases.drop("attacked")
