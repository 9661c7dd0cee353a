"""The database of `make run`: the one DATABASE_URL names, or else an embedded one that stops with us."""

import contextlib
from collections.abc import Callable, Generator
from dataclasses import dataclass

import psycopg

from core.database.direct import find_session_dsn
from core.database.migrations import migrate
from core.errors import ThunderError
from core.local.environment import describe_database
from core.local.postgres import start_embedded
from core.local.signals import undisturbed
from core.local.watch import kept_running
from core.settings import Settings


class DatabaseUnreachableError(ThunderError):
    """The database of DATABASE_URL does not answer; the sentence carries what the driver says."""

    status = 503


@dataclass(frozen=True, slots=True)
class Database:
    """A database that is there to be used."""

    name: str
    """For people: what and where it is, without a password."""

    embedded_dsn: str | None
    """Set if it is the embedded one, which the environment does not name yet."""

    migrate: Callable[[], list[str]]
    """Apply the pending migrations and return their names."""

    announce: Callable[[str], None]
    """Leave the served URL for whoever starts beside us."""


@contextlib.contextmanager
def open_database(settings: Settings) -> Generator[Database]:
    """Provide the database for the length of the block.

    Raises:
        AlreadyRunningError: if another process serves from the data directory.
        EmbeddedPostgresError: if the embedded Postgres does not start.
        InvalidSettingError: if DATABASE_URL is no DSN.
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
    """Start the embedded Postgres, keep it running, and stop it undisturbed."""
    server = start_embedded(settings.thunder_data_dir)
    try:
        name = f"PostgreSQL in {settings.thunder_data_dir}"
        app_name = settings.thunder_app_name
        with kept_running(server):
            yield Database(name, server.dsn, lambda: migrate(server.dsn, app_name=app_name), server.announce)
    finally:
        with undisturbed():
            server.stop()


def migrate_remote(dsn: str, *, app_name: str) -> list[str]:
    """Migrate a database that may not answer.

    Raises:
        DatabaseUnreachableError: if it does not.
    """
    with answering(dsn):
        return migrate(dsn, app_name=app_name)


@contextlib.contextmanager
def answering(dsn: str) -> Generator[None]:
    """Say in a sentence that the database of the block does not answer.

    Raises:
        DatabaseUnreachableError: if it does not.
    """
    try:
        yield
    except psycopg.OperationalError as error:
        raise DatabaseUnreachableError(f"{describe_database(dsn)} does not answer: {error}") from error
