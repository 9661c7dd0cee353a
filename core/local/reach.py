"""The database that a chore works on: the one of DATABASE_URL, or the embedded one, whether `run` serves it or not."""

import contextlib
from collections.abc import Generator
from dataclasses import dataclass
from urllib.parse import quote

from pydantic import SecretStr

from core.database.direct import find_session_dsn
from core.errors import ThunderError
from core.local.cluster import ROLE
from core.local.database import start_database
from core.local.environment import describe_database
from core.local.lock import AlreadyRunningError
from core.local.postgres import DATABASE
from core.local.secrets import find_secret, load_secret
from core.local.socket_directory import PORT, find_socket_dir
from core.settings import Settings


class NoDatabaseError(ThunderError):
    """There is no database to work on."""


@dataclass(frozen=True, slots=True)
class Reached:
    """A database, and the settings that a process on it has.

    Attributes:
        dsn: a direct connection.
        settings: DATABASE_URL and THUNDER_SECRET included.
        embedded: whether it is the laptop's own.
    """

    dsn: str
    settings: Settings
    embedded: bool


@contextlib.contextmanager
def reach_database(settings: Settings, *, make: bool = False) -> Generator[Reached]:
    """Provide the database for the length of the block; an embedded one that had to be started is migrated.

    Args:
        settings: as the environment has them.
        make: whether to make an embedded one where there is none at all.

    Raises:
        NoDatabaseError: DATABASE_URL is not set, and there is no embedded one.
        InvalidSettingError: DATABASE_URL is no DSN.
        EmbeddedPostgresError: the embedded one does not start.
    """
    if settings.database_url is not None:
        dsn = find_session_dsn(settings) or ""
        describe_database(settings.database_url.get_secret_value())
        describe_database(dsn)
        kept = find_secret(settings)
        yield Reached(
            dsn, settings.model_copy(update={"thunder_secret": SecretStr(kept) if kept else None}), embedded=False
        )
        return
    if not make and not (settings.thunder_data_dir / "postgres").exists():
        raise NoDatabaseError("there is no database: set DATABASE_URL, or make one here with `manage.py run`")
    with _reach_embedded(settings) as dsn:
        own = {"database_url": SecretStr(dsn), "thunder_secret": SecretStr(load_secret(settings))}
        yield Reached(dsn, settings.model_copy(update=own), embedded=True)


@contextlib.contextmanager
def _reach_embedded(settings: Settings) -> Generator[str]:
    with contextlib.ExitStack() as stack:
        try:
            database = stack.enter_context(start_database(settings))
        except AlreadyRunningError:
            # Whoever serves from the directory has started its Postgres, or is about to fail at that.
            socket_dir = find_socket_dir(settings.thunder_data_dir / "postgres")
            if socket_dir is None:
                raise
            yield f"postgresql://{ROLE}@/{DATABASE}?host={quote(str(socket_dir), safe='')}&port={PORT}"
            return
        database.migrate()
        yield database.embedded_dsn or ""
