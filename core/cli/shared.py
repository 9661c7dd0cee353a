"""Helpers of several commands: confirmation, error messages, admin rights."""

import contextlib
import sys
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

import click
from typing_extensions import override

from core.errors import NothingMatchedError, ThunderError

if TYPE_CHECKING:
    from core.access.access import Access

NOTHING_MATCHED = 3
"""The exit code of a command if the given user owns nothing that matches."""
YES = click.option("--yes", is_flag=True, help="Skip the confirmation.")


@contextlib.contextmanager
def admin_database(action: str | None, *, yes: bool) -> "Generator[Callable[[Callable[[Access, str], Any]], Any]]":
    """Provide a function that runs work on the database with admin rights, after a confirmation if it changes data."""
    from functools import partial

    from core.cli.confirm import confirm_change
    from core.local.admin import run_as_admin
    from core.local.database import require_answer
    from core.local.environment import load_settings
    from core.local.reach import open_chore_database

    with open_chore_database(load_settings(), make=True) as reached:
        require_answer(reached.pooled_dsn)
        if action is not None:
            confirm_change(reached.dsn, action, yes=yes)
        yield partial(run_as_admin, reached.settings)


@contextlib.contextmanager
def plain_errors() -> Generator[None]:
    """Print errors as one sentence, and exit with 1, or 3 if nothing matched. LOG_LEVEL=debug shows tracebacks."""
    try:
        yield
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


class PlainGroup(click.Group):
    """Commands whose errors are one sentence each, wherever they occur."""

    @override
    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        with plain_errors():
            return super().invoke(ctx)
