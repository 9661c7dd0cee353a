"""Commands on a database as a whole: migrate, status, doctor, adopt."""

import sys

import click

from core.cli.shared import YES, chore_database, find_migration_dsn


@click.command()
def migrate() -> None:
    """Apply pending migrations. A new database at DATABASE_URL is stamped with THUNDER_APP_NAME."""
    from core.local.database import migrate_remote
    from core.local.environment import describe_database, load_settings

    dsn, app_name = find_migration_dsn(), load_settings().thunder_app_name
    click.echo(f"{describe_database(dsn)}, as {app_name}", err=True)
    applied = migrate_remote(dsn, app_name=app_name)
    for migration in applied:
        click.echo(f"applied {migration}")
    click.echo("nothing to apply" if not applied else f"{len(applied)} applied")


@click.command()
def status() -> None:
    """Show the app, migrations and contents of the database.

    The stamp is the app that the database belongs to. The exit code is 1 while migrations are pending.
    """
    from core.cli.status import describe_status, read_database_status

    with chore_database() as reached:
        found = read_database_status(reached.dsn)
    click.echo("\n".join(describe_status(found)))
    sys.exit(1 if found.pending else 0)


@click.command()
def doctor() -> None:
    """Check settings, database and keys, and suggest remedies. The exit code is 1 if a check fails."""
    from core.cli.doctor import examine
    from core.cli.findings import Level
    from core.local.environment import load_settings

    failed = False
    for finding in examine(load_settings()):
        click.echo(finding.describe())
        failed = failed or finding.level is Level.FAIL
    sys.exit(1 if failed else 0)


@click.command()
@click.option("--app-name", required=True, help="Name of the app that gets the database.")
@YES
def adopt(app_name: str, *, yes: bool) -> None:
    """Transfer the database to another app.

    Use it for example for a branch of the production database that becomes the staging database. Works on the database
    at DATABASE_URL, or on the embedded one of `run`, which must not be running. Processes of the previous app answer
    503 from then on.
    """
    from core.cli.adoption import adopt_database
    from core.local.database import open_database
    from core.local.environment import load_settings

    with open_database(load_settings()) as database:
        click.echo(adopt_database(database.embedded_dsn or find_migration_dsn(), app_name=app_name, yes=yes))
