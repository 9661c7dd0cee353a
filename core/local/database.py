"""The database of `make run`: the one at DATABASE_URL, or an embedded one that stops with the server."""

import contextlib
from collections.abc import Callable, Generator
from dataclasses import dataclass

import psycopg

from core.database.direct import connect, find_session_dsn
from core.database.migrations import migrate
from core.errors import ThunderError
from core.local.environment import describe_database
from core.local.outage import describe_outage
from core.local.postgres import start_embedded
from core.local.signals import ignoring_signals
from core.local.watch import kept_running
from core.settings import Settings


class DatabaseUnreachableError(ThunderError):
    """No connection to the database; the message has the reason and the remedy."""

    status = 503


@dataclass(frozen=True, slots=True)
class Database:
    """An open database."""

    name: str
    """The name and location to display, without the password."""

    embedded_dsn: str | None
    """The DSN of the embedded database; None if DATABASE_URL is set."""

    migrate: Callable[[], list[str]]
    """Apply the pending migrations and return their names."""

    announce: Callable[[str], None]
    """Record the served URL, so that a second process can print it."""


@contextlib.contextmanager
def open_database(settings: Settings) -> Generator[Database]:
    """Open the database until the block ends.

    Raises:
        AlreadyRunningError: if another process uses the data directory.
        EmbeddedPostgresError: if the embedded Postgres does not start.
        InvalidSettingError: if DATABASE_URL is not a DSN.
    """
    if settings.database_url is None:
        with start_database(settings) as database:
            yield database
        return
    name = describe_database(settings.database_url.get_secret_value())
    direct = find_session_dsn(settings) or ""
    describe_database(direct)
    app_name = settings.thunder_app_name
    yield Database(name, None, lambda: migrate_remote(direct, app_name=app_name), announce=lambda _: None)


@contextlib.contextmanager
def start_database(settings: Settings) -> Generator[Database]:
    """Start the embedded Postgres, restart it if it ends, and stop it at the end of the block, ignoring signals."""
    server = start_embedded(settings.thunder_data_dir)
    try:
        name = f"PostgreSQL in {settings.thunder_data_dir}"
        app_name = settings.thunder_app_name
        with kept_running(server):
            yield Database(name, server.dsn, lambda: migrate(server.dsn, app_name=app_name), server.announce)
    finally:
        with ignoring_signals():
            server.stop()


def migrate_remote(dsn: str, *, app_name: str) -> list[str]:
    """Migrate a remote database.

    Raises:
        DatabaseUnreachableError: if it does not answer.
    """
    with answering(dsn):
        return migrate(dsn, app_name=app_name)


@contextlib.contextmanager
def answering(dsn: str) -> Generator[None]:
    """Translate connection errors in the block. An error of the server during a statement has a SQLSTATE, and stays.

    Raises:
        DatabaseUnreachableError: if the database can't be reached.
    """
    name = describe_database(dsn)
    try:
        yield
    except psycopg.OperationalError as error:
        if error.sqlstate is not None:
            raise
        raise DatabaseUnreachableError(f"{name}: {describe_outage(error)}") from error


def require_answer(dsn: str) -> None:
    """Connect to a database once, because a pool reports no reason why it can't.

    Raises:
        DatabaseUnreachableError: if the database can't be reached.
    """
    with answering(dsn):
        connect(dsn).close()
