"""Commands on the secret of a database: secret, secret status, secret accept."""

import secrets
from pathlib import Path

import click

from core.cli.shared import YES, chore_database


@click.group(invoke_without_command=True)
@click.option("--to", type=click.Path(dir_okay=False, path_type=Path), help="Write it to this new file (mode 0600).")
@click.pass_context
def secret(context: click.Context, *, to: Path | None) -> None:
    """Print a new value for THUNDER_SECRET.

    The commands compare the present value with the database. docs/SECRETS.md explains how to keep, back up and
    change it.
    """
    if context.invoked_subcommand is not None:
        return
    value = secrets.token_hex(32)
    if to is None:
        click.echo(value)
        return
    from core.local.secrets import open_new_file

    with open_new_file(to) as file:
        file.write(value + "\n")
    click.echo(f"{to} written", err=True)


@secret.command()
def status() -> None:
    """Compare the secret with the fingerprint in the database.

    Also counts what depends on it. The exit code is 1 if they differ.
    """
    from core.cli.secret_status import describe_secret, read_secret

    with chore_database() as reached:
        found = read_secret(reached)
    click.echo("\n".join(describe_secret(found)))
    if found.problem:
        raise click.exceptions.Exit(1)


@secret.command()
@YES
def accept(*, yes: bool) -> None:
    """Accept THUNDER_SECRET as the secret of the database.

    Use it if the previous secret is lost. Lists the consequences first. Nothing is deleted: admins still see every
    request.
    """
    from core.cli.confirm import ask, show_database
    from core.cli.secret_status import accept_secret, describe_loss, read_secret, require_value

    with chore_database() as reached:
        show_database(reached.dsn)
        found = read_secret(reached)
        value = require_value(found)
        if found.guards.fingerprint is not None and not found.problem:
            click.echo("nothing to do: this is the secret of the database")
            return
        for line in describe_loss(found):
            click.echo(line, err=True)
        ask("Accept the present THUNDER_SECRET", yes=yes)
        accept_secret(reached, value, found)
    click.echo("the database now has the present THUNDER_SECRET")
