"""Transfer a database from one app to another, for example a branch of the production database to staging."""

from dataclasses import dataclass
from datetime import datetime

from core.cli.confirm import confirm_change
from core.cli.sizes import count_of, describe_stamp
from core.database.direct import connect
from core.database.migrations import Stamp, adopt
from core.database.query import query
from core.local.database import answering


@dataclass(frozen=True, slots=True)
class Requests:
    """The number of requests in a database, and the time of the newest."""

    requests: int
    newest: datetime | None


COUNT_REQUESTS = query("database/count_requests", Requests)


def adopt_database(dsn: str, *, app_name: str, yes: bool) -> str:
    """Transfer a database to another app after a confirmation, and return a summary.

    Args:
        dsn: A direct connection.
        app_name: The app that gets it.
        yes: Skip the confirmation.

    Raises:
        NotConfirmedError: if the answer is no, or there is no terminal.
        MigrationError: if the database is not migrated.
        DatabaseUnreachableError: if it does not answer.
    """
    confirm_change(dsn, f"Transfer it to {app_name}", yes=yes)
    with answering(dsn):
        previous = adopt(dsn, app_name=app_name)
        with connect(dsn) as conn:
            return write_summary(app_name, previous, COUNT_REQUESTS.run_only(conn))


def write_summary(app_name: str, previous: Stamp | None, content: Requests) -> str:
    """Summarize a transfer: the requests and the previous stamp."""
    newest = "" if content.newest is None else f", the newest of {content.newest:%Y-%m-%d %H:%M %Z}"
    what = f"{count_of(content.requests, 'request', 'requests')}{newest}"
    if previous is not None and previous.app_name == app_name:
        return f"nothing to do: the database already belongs to {app_name}, with {what}"
    return f"{app_name} took over {what}; the previous stamp was {describe_stamp(previous)}"
