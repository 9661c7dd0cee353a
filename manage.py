"""Thunder from a shell: `python manage.py --help`."""

import contextlib
import sys
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from core.errors import ThunderError

if TYPE_CHECKING:
    from core.launch.database import Database
    from core.settings import Settings


@click.group(context_settings={"max_content_width": 100})
def cli() -> None:
    """Thunder's commands. Settings come from the environment and from .env; .env.example lists them."""


@cli.command()
def run() -> None:
    """Serve Thunder here, on an embedded Postgres unless DATABASE_URL names another."""
    from core.launch.database import open_database
    from core.launch.environment import load_settings
    from core.launch.signals import stopped_by_signals

    with plain_errors(), stopped_by_signals():
        settings = load_settings()
        click.echo("Thunder starts …", err=True)
        with open_database(settings) as database:
            for migration in database.migrate():
                click.echo(f"migrated: {migration}", err=True)
            serve_on(database, settings)


@cli.command()
@click.option("--url", help="A running Thunder; the default is the one of APP_HOST and APP_PORT.")
def demo(url: str | None) -> None:
    """Post the sample traces and 200 labelled ones with their outcomes, spread over the past seven days.

    Posts to the server that is running; if none is, one is started for as long as it takes. Posting again replaces.
    """
    from datetime import UTC, datetime

    from core.launch.admin_key import load_admin_key
    from core.launch.banner import write_url
    from core.launch.environment import load_settings
    from functions.client.borrowed import running_server
    from functions.client.connection import Connection
    from functions.client.demo import post_demo

    with plain_errors():
        settings = load_settings()
        url = (url or write_url(settings.app_host, settings.app_port)).rstrip("/")
        connection = Connection(url, load_admin_key(settings))
        with running_server(connection) as was_there:
            count = post_demo(connection, now=datetime.now(UTC))
    click.echo(f"{count} traces are in.")
    if not was_there:
        click.echo("Start the server with: make run")
    for path in ("/logs", "/v1/confidence/summary?group_by=day", "/v1/confidence/calibration", "/v1/mods"):
        click.echo(f"  curl -sS -H 'X-API-Key: {connection.key}' '{url}{path}'")


@cli.command()
def migrate() -> None:
    """Apply the migrations that the database of DATABASE_URL lacks."""
    from core.database.migrations import migrate as apply_migrations

    with plain_errors():
        applied = apply_migrations(find_migration_dsn())
    for migration in applied:
        click.echo(f"applied {migration}")
    click.echo("nothing to apply" if not applied else f"{len(applied)} applied")


@cli.command()
def status() -> None:
    """Say which migrations the database of DATABASE_URL has; exit code 1 while some are pending."""
    from core.database.migrations import read_status

    with plain_errors():
        migrations = read_status(find_migration_dsn())
    for name, applied in migrations:
        click.echo(f"{'applied' if applied else 'pending'}  {name}")
    sys.exit(0 if all(applied for _, applied in migrations) else 1)


@cli.command()
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="The file to write, not stdout.")
def schema(output: Path | None) -> None:
    """Write what the migrations add up to, as sql/schema.sql has it; needs no database of yours."""
    from core.database.schema import write_schema

    with plain_errors():
        text = write_schema()
        if output is None:
            click.echo(text, nl=False)
        else:
            output.write_text(text, encoding="utf-8")


def serve_on(database: "Database", settings: "Settings") -> None:
    """Hand the app its environment and serve it until a signal comes."""
    from core.launch.admin_key import load_admin_key
    from core.launch.banner import write_banner, write_url
    from core.launch.environment import export, open_ingest
    from functions.common.serve import bind, serve

    admin_key, ingest_open = load_admin_key(settings), open_ingest(settings)
    export(dsn=database.embedded_dsn, admin_key=admin_key, ingest_open=ingest_open)
    with bind(settings.app_host, settings.app_port) as bound:
        url = write_url(settings.app_host, bound.getsockname()[1])
        banner = write_banner(url, admin_key=admin_key, ingest_open=ingest_open, database=database.name)

        def announce() -> None:
            database.announce(url)
            click.echo(banner)

        serve("functions.api:web", bound, log_level=settings.log_level, announce=announce)


def find_migration_dsn() -> str:
    """The direct connection if there is one: a migration outlives a pooler's patience."""
    from core.launch.environment import load_settings

    settings = load_settings()
    url = settings.database_url_direct or settings.database_url
    if url is None:
        raise click.ClickException("DATABASE_URL is not set (the embedded database of `run` migrates itself)")
    return url.get_secret_value()


@contextlib.contextmanager
def plain_errors() -> Generator[None]:
    """End with one sentence and exit code 1 where the reason is the caller's to mend, a full disk for instance."""
    try:
        yield
    except (ThunderError, OSError) as error:
        sys.stdout.flush()
        raise click.ClickException(str(error)) from error


if __name__ == "__main__":
    cli()
