"""The SQL statements of the chores. Each function runs one statement; the caller owns the transaction."""

from typing import Any

from psycopg import Connection, ServerCursor
from psycopg.rows import class_row
from psycopg.types.json import Jsonb
from pydantic import BaseModel, ConfigDict

from core.audit.store import INSERT_ENTRY, Action
from core.database.sql import load_query
from core.database.statements import SET_TIMEOUT
from core.wire.timestamp import UtcMoment

_COUNT_CONTENTS = load_query("transfer/count_contents")
_HOLD_WRITERS = load_query("transfer/hold_writers")
_SET_LOCK_TIMEOUT = load_query("transfer/set_lock_timeout")
_COUNT_HOLDS = load_query("deletions/count_holds")
_CLEAR = load_query("transfer/clear")
_BEGIN_EXPORT = load_query("transfer/begin_export")
_COUNT_EXPORT = load_query("transfer/count_export")
_PROBE_SERVER = load_query("transfer/probe_server")
_SLEEP = load_query("transfer/sleep")
_FIND_GUARDS = load_query("transfer/find_guards")
_EXPORT_TRACES = load_query("transfer/export_traces")
_EXPORTS = {
    "requests": load_query("transfer/export_requests"),
    "steps": _EXPORT_TRACES,
    "actions": load_query("transfer/export_actions"),
    "traces": _EXPORT_TRACES,
    "audit": load_query("transfer/export_audit"),
}


class Contents(BaseModel):
    """The counts and sizes of a database's contents.

    Attributes:
        outdated: requests whose stored scores have another version than this code.
        posted_bytes: the size of the documents before compression.
        stored_bytes: the size of the compressed documents and logs.
        database_bytes: the size on the server's disk, including indexes.
        newest: the time at which the newest trace was received.
        counted_at: the time of the count, by the database's clock.
    """

    model_config = ConfigDict(frozen=True)

    requests: int
    outdated: int
    tokens: int
    posted_bytes: int
    stored_bytes: int
    database_bytes: int
    collections: int
    comments: int
    verdicts: int
    keys: int
    live_keys: int
    newest: UtcMoment | None
    counted_at: UtcMoment


class Server(BaseModel):
    """The version (180004 is 18.4) and the time of a server."""

    model_config = ConfigDict(frozen=True)

    version: int
    told_at: UtcMoment


class Guards(BaseModel):
    """The number of live admin keys of a database, and the secret that it generated, if any."""

    model_config = ConfigDict(frozen=True)

    admin_keys: int
    kept_secret: str | None


class ExportSize(BaseModel):
    """The number of requests that match the filters of an export, and of their tokens."""

    model_config = ConfigDict(frozen=True)

    requests: int
    tokens: int


def count_contents(conn: Connection, *, scoring_version: int) -> Contents:
    """Count the contents of the database."""
    cursor = conn.cursor(row_factory=class_row(Contents))
    return cursor.execute(_COUNT_CONTENTS, {"scoring_version": scoring_version}).fetchall()[0]


def hold_writers(conn: Connection) -> str | None:
    """Wait for current writes, block new ones until the transaction ends, and return the owner."""
    row = conn.execute(_HOLD_WRITERS).fetchone()
    return str(row[0]) if row else None


def set_lock_timeout(conn: Connection, *, milliseconds: int) -> None:
    """Limit how long each following statement of this transaction waits for a lock."""
    conn.execute(_SET_LOCK_TIMEOUT, {"milliseconds": milliseconds})


def count_holds(conn: Connection) -> int:
    """Count the requests on legal hold."""
    row = conn.execute(_COUNT_HOLDS).fetchone()
    return int(row[0]) if row else 0


def clear(conn: Connection) -> None:
    """Empty the tables of traces and collections, and restart their sequences."""
    conn.execute(_CLEAR)


def note_clearing(conn: Connection, *, requests: int) -> None:
    """Record in the audit log that the database was cleared."""
    details = Jsonb({"requests": requests})
    conn.execute(INSERT_ENTRY, {"actor": "command", "action": Action.CLEAR, "subject": "database", "details": details})


def begin_export(conn: Connection, *, app_name: str, timeout_ms: int) -> None:
    """Check the owner, and set UTC and the statement timeout for the transaction."""
    conn.execute(_BEGIN_EXPORT, {"app_name": app_name, "milliseconds": timeout_ms})


def count_export(conn: Connection, *, parameters: dict[str, Any]) -> ExportSize:
    """Count the requests that match the filters, and their tokens."""
    return conn.cursor(row_factory=class_row(ExportSize)).execute(_COUNT_EXPORT, parameters).fetchall()[0]


def open_export(conn: Connection, *, what: str, parameters: dict[str, Any]) -> ServerCursor[tuple[Any, ...]]:
    """Open a server-side cursor on the matching rows, so that only fetched rows are transferred."""
    cursor = conn.cursor("export", binary=what in ("traces", "steps"))
    return cursor.execute(_EXPORTS[what], parameters)


def probe_server(conn: Connection) -> Server:
    """Return the server's version and time, in one small round trip."""
    return conn.cursor(row_factory=class_row(Server)).execute(_PROBE_SERVER).fetchall()[0]


def set_timeout(conn: Connection, *, milliseconds: int) -> None:
    """Limit each following statement of this transaction."""
    conn.execute(SET_TIMEOUT, {"milliseconds": milliseconds})


def sleep(conn: Connection, *, seconds: float) -> None:
    """Make the server sleep."""
    conn.execute(_SLEEP, {"seconds": seconds})


def find_guards(conn: Connection) -> Guards:
    """Return the number of admin keys, and the generated secret, of a migrated database."""
    return conn.cursor(row_factory=class_row(Guards)).execute(_FIND_GUARDS).fetchall()[0]
