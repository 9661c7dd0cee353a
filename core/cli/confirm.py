"""Before a command changes data: print whose, and ask."""

import sys

import click

from core.database.migrations import Stamp, read_stamp
from core.errors import ThunderError
from core.local.database import answering
from core.local.environment import describe_database


class NotConfirmedError(ThunderError):
    """Whoever started the command did not say yes."""


def confirm_change(dsn: str, action: str, *, yes: bool) -> Stamp | None:
    """Print database, host and owner, ask whether to go on, and return the owner's stamp.

    Args:
        dsn: The database that would be changed.
        action: What is about to be done, as a sentence without its full stop: `Revoke key 7`.
        yes: Don't ask (`--yes`).

    Raises:
        NotConfirmedError: if the answer is no, or there is nobody to ask.
        DatabaseUnreachableError: if the database does not answer.
    """
    stamp = show_database(dsn)
    ask(action, yes=yes)
    return stamp


def show_database(dsn: str) -> Stamp | None:
    """Print database, host and owner, and return the owner's stamp.

    Raises:
        DatabaseUnreachableError: if the database does not answer.
    """
    with answering(dsn):
        stamp = read_stamp(dsn)
    click.echo(f"database  {describe_database(dsn)}", err=True)
    click.echo(f"owner     {describe_owner(stamp)}", err=True)
    return stamp


def ask(action: str, *, yes: bool) -> None:
    """Ask whether to go on.

    Raises:
        NotConfirmedError: if the answer is no, or there is nobody to ask.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise NotConfirmedError(f"{action}? There is no terminal to answer at: add --yes")
    if not click.confirm(f"{action}?", err=True):
        raise NotConfirmedError("nothing was changed")


def describe_owner(stamp: Stamp | None) -> str:
    """Name the app a database belongs to, and since when."""
    return "nobody yet" if stamp is None else f"{stamp.app_name}, since {stamp.stamped_at:%Y-%m-%d %H:%M %Z}"
