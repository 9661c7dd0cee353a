"""The SQL of the chores. Each function runs one statement; the caller owns the transaction."""

from psycopg import Connection
from psycopg.rows import class_row
from pydantic import BaseModel, ConfigDict

from core.database.sql import load_query
from core.traces.timestamp import UtcMoment

_COUNT_CONTENTS = load_query("chores/count_contents")
_HOLD_WRITERS = load_query("chores/hold_writers")
_SET_LOCK_TIMEOUT = load_query("chores/set_lock_timeout")
_CLEAR = load_query("chores/clear")


class Contents(BaseModel):
    """How much there is in a database.

    Attributes:
        posted_bytes: of the documents, before compression.
        stored_bytes: of documents and logs, compressed.
        database_bytes: on the server's disk, indexes and all.
        newest: when the newest trace came in.
        counted_at: by the database's clock.
    """

    model_config = ConfigDict(frozen=True)

    requests: int
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


def count_contents(conn: Connection) -> Contents:
    """Count what is in the database."""
    return conn.cursor(row_factory=class_row(Contents)).execute(_COUNT_CONTENTS).fetchall()[0]


def hold_writers(conn: Connection) -> str | None:
    """Wait until no write is under way, let none begin until the transaction ends, and say whose database it is."""
    row = conn.execute(_HOLD_WRITERS).fetchone()
    return str(row[0]) if row else None


def set_lock_timeout(conn: Connection, *, milliseconds: int) -> None:
    """Limit how long each following statement of this transaction waits for a lock."""
    conn.execute(_SET_LOCK_TIMEOUT, {"milliseconds": milliseconds})


def clear(conn: Connection) -> None:
    """Empty every table of traces, and the collections, and begin their numbers anew."""
    conn.execute(_CLEAR)
