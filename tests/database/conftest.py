"""An empty database without migrations, and a directory for an embedded Postgres."""

import itertools
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.local.postgres import EmbeddedPostgres

_names = (f"environment_{number}" for number in itertools.count())


@pytest.fixture
def empty(postgres: EmbeddedPostgres) -> Iterator[str]:
    name = next(_names)
    yield postgres.create_database(name)
    postgres.drop_database(name)


@pytest.fixture
def data_dir() -> Iterator[Path]:
    # 0700 and owned by root if the tests run as root, like a clone below root's home directory.
    with tempfile.TemporaryDirectory(prefix="embedded-", ignore_cleanup_errors=True) as parent:
        yield Path(parent) / "data"
