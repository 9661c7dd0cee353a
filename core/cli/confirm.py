"""Show the database and its stamp, and ask for confirmation before a command changes data."""

import sys

import click

from core.cli.sizes import describe_stamp
from core.database.migrations import Stamp, read_stamp
from core.errors import ThunderError
from core.local.database import answering
from core.local.environment import describe_database


class NotConfirmedError(ThunderError):
    """The user did not confirm the command."""


def confirm_change(dsn: str, action: str, *, yes: bool) -> Stamp | None:
    """Print the database, its host and its stamp, ask for confirmation, and return the stamp.

    Args:
        dsn: The database to change.
        action: The action, as a sentence without a full stop: `Revoke key 7`.
        yes: Skip the confirmation (`--yes`).

    Raises:
        NotConfirmedError: if the answer is no, or there is no terminal.
        DatabaseUnreachableError: if the database does not answer.
    """
    stamp = show_database(dsn)
    ask(action, yes=yes)
    return stamp


def show_database(dsn: str) -> Stamp | None:
    """Print the database, its host and its stamp, and return the stamp.

    Raises:
        DatabaseUnreachableError: if the database does not answer.
    """
    with answering(dsn):
        stamp = read_stamp(dsn)
    click.echo(f"database  {describe_database(dsn)}", err=True)
    click.echo(f"stamp     {describe_stamp(stamp)}", err=True)
    return stamp


def ask(action: str, *, yes: bool) -> None:
    """Ask for confirmation.

    Raises:
        NotConfirmedError: if the answer is no, or there is no terminal.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise NotConfirmedError(f"{action}: not confirmed, because there is no terminal; add --yes")
    if not click.confirm(f"{action}?", err=True):
        raise NotConfirmedError(f"{action}: not confirmed; nothing was changed")
