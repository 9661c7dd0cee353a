"""Open the database of a chore: the one at DATABASE_URL, or the embedded one, even while `run` serves it."""

import contextlib
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from core.database.direct import find_session_dsn
from core.errors import ThunderError
from core.local.data_directory import using_directory
from core.local.database import start_database
from core.local.environment import describe_database
from core.local.lock import AlreadyRunningError
from core.local.postgres import DATABASE
from core.local.socket_directory import find_socket_dir, make_dsn
from core.settings import Settings


class NoDatabaseError(ThunderError):
    """No database exists."""


@dataclass(frozen=True, slots=True)
class ChoreDatabase:
    """A database, and the settings of a process that uses it.

    Attributes:
        dsn: a direct connection.
        settings: include DATABASE_URL.
        embedded: whether it is the embedded database.
    """

    dsn: str
    settings: Settings
    embedded: bool

    @property
    def pooled_dsn(self) -> str:
        """DATABASE_URL, which the pool uses."""
        url = self.settings.database_url
        return self.dsn if url is None else url.get_secret_value()


@contextlib.contextmanager
def open_chore_database(settings: Settings, *, make: bool = False) -> Generator[ChoreDatabase]:
    """Open the database until the block ends. An embedded database that had to be started is migrated.

    Args:
        settings: the settings of this process.
        make: whether to create the embedded database if it doesn't exist.

    Raises:
        NoDatabaseError: DATABASE_URL is not set, and the embedded database doesn't exist.
        InvalidSettingError: DATABASE_URL is not a DSN.
        EmbeddedPostgresError: the embedded database does not start.
    """
    if settings.database_url is not None:
        dsn = find_session_dsn(settings) or ""
        describe_database(settings.database_url.get_secret_value())
        describe_database(dsn)
        yield ChoreDatabase(dsn, settings, embedded=False)
        return
    if not make and not _has_cluster(settings.thunder_data_dir):
        raise NoDatabaseError(
            "DATABASE_URL: not set, and there is no embedded database; set it, or create one with `manage.py run`"
        )
    with _reach_embedded(settings) as dsn:
        yield ChoreDatabase(dsn, settings.model_copy(update={"database_url": SecretStr(dsn)}), embedded=True)


def _has_cluster(data_dir: Path) -> bool:
    with using_directory(data_dir):
        return (data_dir / "postgres").exists()


@contextlib.contextmanager
def _reach_embedded(settings: Settings) -> Generator[str]:
    with contextlib.ExitStack() as stack:
        try:
            database = stack.enter_context(start_database(settings))
        except AlreadyRunningError:
            # The process that uses the directory has started its Postgres, or is about to fail to.
            socket_dir = find_socket_dir(settings.thunder_data_dir / "postgres")
            if socket_dir is None:
                raise
            yield make_dsn(socket_dir, DATABASE)
            return
        database.migrate()
        yield database.embedded_dsn or ""
