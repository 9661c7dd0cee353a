"""Helpers of several commands: databases, admin rights, error messages."""

import contextlib
import sys
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

import click
from typing_extensions import override

from core.errors import NothingMatchedError, ThunderError

if TYPE_CHECKING:
    from core.access.access import Access
    from core.local.reach import ChoreDatabase

NOTHING_MATCHED = 3
"""The exit code of a command if the given user owns nothing that matches."""
YES = click.option("--yes", is_flag=True, help="Skip the confirmation.")


@contextlib.contextmanager
def chore_database(*, make: bool = False) -> "Generator[ChoreDatabase]":
    """Reach the database of the settings: the one at DATABASE_URL, or the embedded one, which `make` creates."""
    from core.local.environment import load_settings
    from core.local.reach import open_chore_database

    with open_chore_database(load_settings(), make=make) as reached:
        yield reached


@contextlib.contextmanager
def admin_database(
    action: str | None = None, *, yes: bool = False
) -> "Generator[Callable[[Callable[[Access, str], Any]], Any]]":
    """Provide a function that runs work on the database with admin rights, after a confirmation if it changes data."""
    from functools import partial

    from core.cli.confirm import confirm_change
    from core.local.admin import run_as_admin
    from core.local.database import require_answer

    with chore_database(make=True) as reached:
        require_answer(reached.pooled_dsn)
        if action is not None:
            confirm_change(reached.dsn, action, yes=yes)
        yield partial(run_as_admin, reached.settings)


def find_migration_dsn() -> str:
    """Return the direct DSN if there is one, because a pooler may time out during a migration."""
    from core.database.direct import find_session_dsn
    from core.local.environment import load_settings

    dsn = find_session_dsn(load_settings())
    if dsn is None:
        raise click.ClickException("DATABASE_URL: not set; set it, or use `run`, which migrates the embedded database")
    return dsn


class PlainGroup(click.Group):
    """Commands whose errors are one sentence each. The exit code is 1, or 3 if nothing matched.

    LOG_LEVEL=debug shows tracebacks.
    """

    @override
    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except NothingMatchedError as error:
            click.echo(f"Error: {error}", err=True)
            raise click.exceptions.Exit(NOTHING_MATCHED) from error
        except (ThunderError, OSError) as error:
            sys.stdout.flush()
            raise click.ClickException(str(error)) from error
        except Exception as error:
            # Imported late, because run and --help start faster without it.
            from core.cli.failures import describe_failure, wants_traceback

            if isinstance(error, click.ClickException | click.exceptions.Exit | click.Abort) or wants_traceback():
                raise
            sys.stdout.flush()
            raise click.ClickException(describe_failure(error)) from error
