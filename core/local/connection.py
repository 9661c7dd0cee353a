"""The database connection of a chore."""

from collections.abc import Generator
from contextlib import contextmanager

import psycopg

from core.access.store import FIND_GUARDS, Guards
from core.database import direct
from core.database.statements import FOREIGN
from core.errors import ThunderError
from core.local.database import answering

APPLICATION = "thunder chore"
"""The application name in pg_stat_activity."""


class ChoreError(ThunderError):
    """The chore cannot run on this database; the message gives the reason."""


@contextmanager
def connect(dsn: str) -> Generator[psycopg.Connection]:
    """Connect to a database, in autocommit mode.

    Raises:
        DatabaseUnreachableError: the database does not answer, or the connection was lost.
        ChoreError: the database is not migrated, or belongs to another app.
    """
    with _translated_errors(), answering(dsn), direct.connect(dsn, APPLICATION) as conn:
        yield conn


def read_guards(dsn: str) -> Guards:
    """Return the records of a database about its secret and its admin keys."""
    with connect(dsn) as conn:
        return FIND_GUARDS.run_only(conn)


@contextmanager
def _translated_errors() -> Generator[None]:
    try:
        yield
    except (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn, psycopg.errors.UndefinedFunction):
        raise ChoreError("database: not migrated; run `manage.py migrate`") from None
    except psycopg.Error as error:
        if error.sqlstate != FOREIGN:
            raise
        raise ChoreError(error.diag.message_primary) from None
