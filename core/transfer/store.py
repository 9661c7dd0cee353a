"""The statements of the chores, and the types of their rows."""

from datetime import datetime
from typing import Any, NamedTuple

from psycopg import Connection, ServerCursor
from psycopg.types.json import Jsonb

from core.audit.store import INSERT_ENTRY, Action
from core.database.query import Row, query
from core.traces.filters import Filters
from core.wire.timestamp import UtcMoment


class Contents(Row):
    """The counts and sizes of a database's contents.

    Attributes:
        outdated: requests whose stored scores have another version than this code, or p_correct another calibrator.
        posted_bytes: the size of the documents before compression.
        stored_bytes: the size of the compressed documents and logs.
        database_bytes: the size on the server's disk, including indexes.
        newest: the time at which the newest trace was received.
        counted_at: the time of the count, by the database's clock.
    """

    requests: int
    outdated: int
    tokens: int
    posted_bytes: int
    stored_bytes: int
    database_bytes: int
    collections: int
    calibrators: int
    comments: int
    outcomes: int
    keys: int
    live_keys: int
    newest: UtcMoment | None
    counted_at: UtcMoment


class Server(Row):
    """The version (180004 is 18.4) and the time of a server."""

    version: int
    read_at: UtcMoment


class CalibratorVersion(NamedTuple):
    """A stored version of a calibrator, with its parameters."""

    id: int
    score: str
    method: str
    knots: list[float] | None
    probabilities: list[float] | None
    slope: float | None
    intercept: float | None
    for_users: bool


class StoredRun(NamedTuple):
    """A stored activation run; its answer is None if it failed."""

    created_at: datetime
    answer: bytes | None


class ExportSize(Row):
    """The number of requests that match the filters of an export, and of their tokens."""

    requests: int
    tokens: int


FIND_CALIBRATOR = query("transfer/find_calibrator", CalibratorVersion)
FIND_RUN = query("transfer/find_run", StoredRun, is_binary=True)
DELETE_RUN = query("transfer/delete_run")
COUNT_CONTENTS = query("transfer/count_contents", Contents)
HOLD_WRITERS = query("transfer/hold_writers", str)
SET_LOCK_TIMEOUT = query("transfer/set_lock_timeout")
COUNT_HOLDS = query("deletions/count_holds", int)
CLEAR = query("transfer/clear")
BEGIN_EXPORT = query("transfer/begin_export")
COUNT_EXPORT = query("transfer/count_export", ExportSize)
PROBE_SERVER = query("transfer/probe_server", Server)
SLEEP = query("transfer/sleep")

EXPORT_TRACES = query("transfer/export_traces", is_binary=True)
EXPORTS = {
    "requests": query("transfer/export_requests"),
    "steps": EXPORT_TRACES,
    "actions": query("transfer/export_actions"),
    "traces": EXPORT_TRACES,
    "audit": query("transfer/export_audit"),
    "calibrators": query("transfer/export_calibrators"),
    "activations": query("transfer/export_activations"),
}


def note(conn: Connection, action: Action, details: dict[str, Any]) -> None:
    """Record in the audit log what a command did to the database."""
    INSERT_ENTRY.run(conn, actor="command", action=action, subject="database", details=Jsonb(details))


def open_export(conn: Connection, *, what: str, filters: Filters) -> ServerCursor[tuple[Any, ...]]:
    """Open a server-side cursor on the matching rows."""
    return EXPORTS[what].open(conn, "export", filters=filters)
