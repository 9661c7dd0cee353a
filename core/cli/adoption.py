"""Taking a database over from another app: a branch of production's for staging, say."""

from dataclasses import dataclass
from datetime import datetime

import psycopg
from psycopg.rows import class_row

from core.cli.confirm import confirm_change, describe_owner
from core.database.migrations import CONNECT_TIMEOUT_S, Stamp, adopt
from core.database.sql import load_query
from core.local.database import answering

_COUNT_REQUESTS = load_query("database/count_requests")


@dataclass(frozen=True, slots=True)
class Requests:
    """How much there is in a database."""

    requests: int
    newest: datetime | None


def adopt_database(dsn: str, *, app_name: str, yes: bool) -> str:
    """Make a database another app's, after asking, and return what was taken over, in a sentence.

    Args:
        dsn: A direct connection.
        app_name: The new owner.
        yes: Don't ask.

    Raises:
        NotConfirmedError: if the answer is no, or there is nobody to ask.
        MigrationError: if the database is not migrated.
        DatabaseUnreachableError: if it does not answer.
    """
    confirm_change(dsn, f"Make it {app_name}'s", yes=yes)
    with answering(dsn):
        former = adopt(dsn, app_name=app_name)
        return write_summary(app_name, former, count_requests(dsn))


def count_requests(dsn: str) -> Requests:
    """Count what is in a database."""
    with psycopg.connect(dsn, connect_timeout=CONNECT_TIMEOUT_S, prepare_threshold=None) as conn:
        counted = conn.cursor(row_factory=class_row(Requests)).execute(_COUNT_REQUESTS).fetchone()
    return counted or Requests(0, None)


def write_summary(app_name: str, former: Stamp | None, content: Requests) -> str:
    """Say what was taken over, and from whom."""
    newest = "" if content.newest is None else f", the newest of {content.newest:%Y-%m-%d %H:%M %Z}"
    what = f"{content.requests} requests{newest}"
    if former is not None and former.app_name == app_name:
        return f"nothing to do: it is {app_name}'s already, with {what}"
    return f"{app_name} took over {what}; it belonged to {describe_owner(former)}"
