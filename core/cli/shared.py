"""What commands share: asking, errors as sentences, an admin's rights."""

import contextlib
import sys
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

import click

from core.errors import ThunderError

if TYPE_CHECKING:
    from core.access.session import Access

YES = click.option("--yes", is_flag=True, help="Don't ask.")


@contextlib.contextmanager
def admin_database(action: str | None, *, yes: bool) -> "Generator[Callable[[Callable[[Access, str], Any]], Any]]":
    """A way to do work on the database with an admin's rights, after asking whether to change it."""
    from functools import partial

    from core.cli.confirm import confirm_change
    from core.local.admin import run_as_admin
    from core.local.environment import load_settings
    from core.local.reach import reach_database

    with reach_database(load_settings(), make=True) as reached:
        if action is not None:
            confirm_change(reached.dsn, action, yes=yes)
        yield partial(run_as_admin, reached.settings)


@contextlib.contextmanager
def plain_errors() -> Generator[None]:
    """End with one sentence and exit code 1 where the reason is the caller's to mend, a full disk for instance."""
    try:
        yield
    except (ThunderError, OSError) as error:
        sys.stdout.flush()
        raise click.ClickException(str(error)) from error
