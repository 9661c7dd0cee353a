"""One connection for the length of a chore."""

from collections.abc import Generator
from contextlib import contextmanager

import psycopg

from core.database.migrations import CONNECT_TIMEOUT_S
from core.database.statements import FOREIGN
from core.errors import ThunderError
from core.local.database import answering

APPLICATION = "thunder chore"
"""As pg_stat_activity shows it."""


class ChoreError(ThunderError):
    """The chore cannot be done on this database; the sentence says why."""


@contextmanager
def connect(dsn: str) -> Generator[psycopg.Connection]:
    """Connect to a database, in autocommit mode.

    Raises:
        DatabaseUnreachableError: it does not answer, or no longer.
        ChoreError: it is not migrated, another app's, or in use by somebody who does not end.
    """
    with _translated_errors(), answering(dsn):
        parameters = {"connect_timeout": CONNECT_TIMEOUT_S, "application_name": APPLICATION}
        with psycopg.connect(dsn, autocommit=True, prepare_threshold=None, **parameters) as conn:
            yield conn


@contextmanager
def _translated_errors() -> Generator[None]:
    try:
        yield
    except (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn, psycopg.errors.UndefinedFunction):
        raise ChoreError("the database is not migrated: run `manage.py migrate`") from None
    except psycopg.Error as error:
        if error.sqlstate != FOREIGN:
            raise
        raise ChoreError(error.diag.message_primary) from None
