"""`manage.py status`: a summary of a database."""

from dataclasses import dataclass

from core.cli.sizes import count_of, describe_age, describe_bytes, describe_stamp
from core.database.migrations import Stamp, read_stamp, read_status
from core.local.connection import ChoreError, connect
from core.local.database import answering
from core.local.environment import describe_database
from core.pairing.version import SCORING_VERSION
from core.transfer.store import COUNT_CONTENTS, Contents


@dataclass(frozen=True, slots=True)
class Status:
    """The stamp, migrations and contents of a database. The contents are None if it is not migrated."""

    database: str
    stamp: Stamp | None
    applied: int
    pending: list[str]
    contents: Contents | None


def read_database_status(dsn: str) -> Status:
    """Read the status of a database, migrated or not.

    Raises:
        DatabaseUnreachableError: the database does not answer.
    """
    with answering(dsn):
        stamp, migrations = read_stamp(dsn), read_status(dsn)
    pending = [name for name, applied in migrations if not applied]
    return Status(describe_database(dsn), stamp, len(migrations) - len(pending), pending, _count(dsn))


def _count(dsn: str) -> Contents | None:
    try:
        with connect(dsn) as conn:
            return COUNT_CONTENTS.run_only(conn, scoring_version=SCORING_VERSION)
    except ChoreError:
        return None


def describe_status(status: Status) -> list[str]:
    """Return the lines to print."""
    known = status.applied + len(status.pending)
    lines = [
        f"database  {status.database}",
        f"stamp     {describe_stamp(status.stamp)}",
        f"schema    {status.applied} of {known} migrations",
        *(f"pending   {name}" for name in status.pending),
    ]
    if status.contents is None:
        return [*lines, "contents  unknown; run `manage.py migrate` first"]
    return lines + _describe_contents(status.contents)


def _describe_outdated(count: int) -> str:
    return f", {count:,} with scores of another version or calibrator; run `manage.py rescore`" if count else ""


def _describe_contents(contents: Contents) -> list[str]:
    newest = "no traces yet"
    if contents.newest is not None:
        newest = f"{describe_age(contents.counted_at - contents.newest)} ago ({contents.newest:%Y-%m-%d %H:%M:%S %Z})"
    collections = count_of(contents.collections, "collection", "collections")
    calibrators = count_of(contents.calibrators, "calibrator", "calibrators")
    comments = count_of(contents.comments, "comment", "comments")
    outcomes = count_of(contents.outcomes, "outcome", "outcomes")
    posted, stored = describe_bytes(contents.posted_bytes), describe_bytes(contents.stored_bytes)
    return [
        f"requests  {contents.requests:,}{_describe_outdated(contents.outdated)}",
        f"tokens    {contents.tokens:,}",
        f"stored    {stored} for {posted} posted; the database takes {describe_bytes(contents.database_bytes)}",
        f"also      {collections}, {calibrators}, {comments}, {outcomes}",
        f"keys      {contents.live_keys:,} live of {contents.keys:,}",
        f"newest    {newest}",
    ]
