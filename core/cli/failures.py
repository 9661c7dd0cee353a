"""Describe failures of the database during a command in one sentence, with advice that fits the failure."""

import psycopg
from psycopg import errors

from core.logging import hide_values

_AGAIN = "run the command again"
ADVICE: tuple[tuple[type[psycopg.Error], str, str], ...] = (
    (errors.InsufficientPrivilege, "the role lacks a right", "use the role that owns the tables"),
    (errors.ReadOnlySqlTransaction, "it is read-only", "use the URL of the primary server"),
    (errors.DiskFull, "its disk is full", "free space or enlarge the disk, then run the command again"),
    (errors.TooManyConnections, "it has no free connection", "close connections, or run the command again later"),
    (errors.QueryCanceled, "a statement took too long", "run the command again when the database is less busy"),
    (errors.LockNotAvailable, "another program holds a lock", _AGAIN),
    (psycopg.OperationalError, "the connection was lost", _AGAIN),
)


def describe_failure(error: psycopg.Error) -> str:
    """Return the sentence. It contains no values of rows."""
    for kind, problem, advice in ADVICE:
        if isinstance(error, kind):
            return f"database: {problem} ({_quote(error)}); {advice}"
    return f"database: refused a statement ({_quote(error)}, SQLSTATE {error.sqlstate or 'unknown'}); report this bug"


def _quote(error: psycopg.Error) -> str:
    return next(iter(hide_values(str(error)).splitlines()), type(error).__name__)
