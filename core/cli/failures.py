"""Describe failures of a command in one sentence, with advice that fits the failure."""

import contextlib
import logging
import os
import traceback
from pathlib import Path

import psycopg
from psycopg import errors

from core.errors import InvalidInputError
from core.logging import hide_values, read_levels

ROOT = Path(__file__).parents[2]
_REPORT = "report this bug, with the traceback that LOG_LEVEL=debug shows"
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


def describe_failure(error: Exception) -> str:
    """Return the sentence. It contains no values of rows."""
    if not isinstance(error, psycopg.Error):
        return f"bug: {type(error).__name__} in {_find_place(error)}; {_REPORT}"
    for kind, problem, advice in ADVICE:
        if isinstance(error, kind):
            return f"database: {problem} ({_quote(error)}); {advice}"
    return f"database: refused a statement ({_quote(error)}, SQLSTATE {error.sqlstate or 'unknown'}); {_REPORT}"


def wants_traceback() -> bool:
    """Return whether LOG_LEVEL is debug, so that a bug ends the command with its traceback."""
    with contextlib.suppress(InvalidInputError):
        return read_levels(os.environ.get("LOG_LEVEL", ""))[0] <= logging.DEBUG
    return False


def _find_place(error: Exception) -> str:
    """Return the innermost line of Thunder's code in a traceback."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if Path(frame.filename).is_relative_to(ROOT / "core")] or list(frames)
    return f"{Path(own[-1].filename).name}, line {own[-1].lineno}" if own else "unknown code"


def _quote(error: psycopg.Error) -> str:
    return next(iter(hide_values(str(error)).splitlines()), type(error).__name__)
