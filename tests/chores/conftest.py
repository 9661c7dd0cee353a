"""Two databases, and the commands as an operator runs them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from core.local.postgres import EmbeddedPostgres
from manage import cli
from tests.client import Client
from tests.conftest import ADMIN_KEY, SECRET, TEMPLATE, Serve

Command = Callable[..., Result]


@pytest.fixture
def second_url(postgres: EmbeddedPostgres) -> Iterator[str]:
    """Another migrated database, empty."""
    name = "chores_second"
    yield postgres.create_database(name, template=TEMPLATE)
    postgres.drop_database(name)


@pytest.fixture
def manage(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Command:
    """Run a command of manage.py in a directory of its own: `manage("export", "--what", "steps", on=url)`."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object, on: str | None = None, stdin: bytes | None = None, **environment: str) -> Result:
        if on is not None:
            environment = {"DATABASE_URL": on, "THUNDER_SECRET": SECRET, **environment}
        return CliRunner().invoke(cli, [str(one) for one in arguments], input=stdin, env=environment)

    return run


@pytest.fixture
def second_client(serve: Serve, second_url: str, client: Client) -> Client:
    """A server on the other database; `client`'s goes on with its own."""
    del client
    return serve(DATABASE_URL=second_url, THUNDER_ADMIN_KEY=ADMIN_KEY, THUNDER_SECRET=SECRET, INGEST_AUTH="open")
