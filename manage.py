"""The command line of Thunder: `python manage.py --help`."""

import os
import signal
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if not all(map(find_spec, ("click", "dotenv", "psycopg", "pydantic"))):
    sys.exit("The packages of Thunder are not installed for this Python. Run `make run`, or .venv/bin/python manage.py")

if __name__ == "__main__" and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    # Until a command has something to close, Ctrl-C ends the process at once and without a traceback.
    signal.signal(signal.SIGINT, signal.SIG_DFL)

import click

from core.cli.data import clear, delete, export, rescore, schema, verify_deletion
from core.cli.database import adopt, doctor, migrate, status
from core.cli.keys import keys
from core.cli.secret import secret
from core.cli.shared import PlainGroup, admin_database, find_migration_dsn

if TYPE_CHECKING:
    from core.local.database import Database
    from core.settings import Settings


@click.group(cls=PlainGroup, context_settings={"max_content_width": 100})
def cli() -> None:
    """Run and administer Thunder. Settings are read from the environment and .env; see .env.example."""
    from core.logging import configure_logging

    if click.get_current_context().invoked_subcommand != "run" and signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # Warnings of chores must not contain values either. `run` applies LOG_LEVEL.
    configure_logging("warning", keep=True)


@cli.command()
def run() -> None:
    """Run the server. Without DATABASE_URL, it starts an embedded Postgres."""
    from core.local.database import open_database
    from core.local.environment import load_settings
    from core.local.signals import stopped_by_signals

    with stopped_by_signals():
        settings = load_settings()
        click.echo("Starting Thunder …", err=True)
        with open_database(settings) as database:
            if applied := database.migrate():
                names = applied[0] if len(applied) == 1 else f"{applied[0]} … {applied[-1]} ({len(applied)} migrations)"
                click.echo(f"migrated: {names}", err=True)
            serve_on(database, settings)
    click.echo("Thunder has stopped.", err=True)


@cli.command()
@click.option("--url", help="URL of a running Thunder  [default: the one on THUNDER_DATA_DIR, else APP_PORT]")
def demo(url: str | None) -> None:
    """Post sample and labeled traces.

    Posts the sample traces, and 1,375 labeled traces with outcomes, spread over the past seven days. Uses the running
    server, or starts one temporarily. Running it again replaces the traces.
    """
    from datetime import UTC, datetime

    from core.cli.banner import write_url
    from core.local.environment import load_settings
    from core.local.lock import find_served_url
    from core.local.secrets import load_admin_key
    from functions.client.borrowed import running_server
    from functions.client.connection import Connection
    from functions.client.demo import post_demo

    settings = load_settings()
    served = None if settings.database_url else find_served_url(settings.thunder_data_dir)
    url = (url or served or write_url(settings.app_host, settings.app_port)).rstrip("/")
    connection = Connection(url, load_admin_key(settings))
    with running_server(connection) as was_there:
        count = post_demo(connection, now=datetime.now(UTC))
    click.echo(f"{count} traces posted.")
    if not was_there:
        click.echo("Start the server with: make run")
    for path in ("/logs", "/v1/confidence/summary?group_by=day", "/v1/confidence/calibration", "/v1/mods"):
        click.echo(f"  curl -sS -H 'X-API-Key: {connection.key}' '{url}{path}'")


@cli.command("sign-in")
@click.option("--url", help="URL of the server  [default: the one on THUNDER_DATA_DIR, else THUNDER_URL or APP_PORT]")
def sign_in(url: str | None) -> None:
    """Print a link that signs a browser in.

    The browser gets the rights of the admin key. The link works once, for 15 minutes.
    """
    from core.access.sign_ins import create_link
    from core.cli.banner import LINK_TERMS, write_link, write_url
    from core.local.environment import load_settings
    from core.local.lock import find_served_url
    from core.local.secrets import find_admin_key

    with admin_database() as run_work:
        settings = load_settings()
        admin_key = find_admin_key(settings)
        if admin_key is None:
            raise click.ClickException("THUNDER_ADMIN_KEY: not set; set it to the value of the server")
        served = None if settings.database_url else find_served_url(settings.thunder_data_dir)
        place = url or served or settings.thunder_url or write_url(settings.app_host, settings.app_port)
        token = run_work(lambda access, key: create_link(access, key, admin_key=admin_key))
    click.echo(write_link(place.rstrip("/"), token))
    click.echo(LINK_TERMS, err=True)


@cli.command()
@click.argument("environment")
@click.option(
    "--migrate", "migrates", is_flag=True, help="Apply pending migrations first, instead of failing because of them."
)
@click.option("--url", help="URL of the deployed app  [default: ask Modal]")
@click.option(
    "--admin-key-to", type=click.Path(path_type=Path), help="Write the first admin key to this new file (mode 0600)."
)
def deploy(environment: str, *, migrates: bool, url: str | None, admin_key_to: Path | None) -> None:
    """Deploy an environment to Modal.

    ENVIRONMENT is staging, production or another name. Checks the database first, tests the app afterwards, and
    creates the first admin key if the database has none.
    """
    from core.deploy.rollout import roll_out

    roll_out(
        environment, migrates=migrates, url=url, key_file=admin_key_to, say=lambda line: click.echo(line, err=True)
    )


@cli.command("import")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, allow_dash=True))
@click.option(
    "--on-conflict",
    type=click.Choice(["skip", "replace"]),
    default="skip",
    show_default=True,
    help="How to handle an id that belongs to another stored trace.",
)
@click.option("--url", help="Post to the Thunder at this URL instead of storing in the database.")
@click.option("--key", help="API key for --url  [default: THUNDER_ADMIN_KEY, or the admin key of `run`]")
def import_(files: tuple[str, ...], *, on_conflict: str, url: str | None, key: str | None) -> None:
    """Import traces.

    FILES are outputs of `export --what traces`, documents of an engine, items as POST /v1/ingest accepts them, or
    folders; - is stdin. They may be compressed with gzip or zstd. Stored traces are skipped, so an interrupted import
    can be run again, but an item without an id is stored again. Prints a line for each trace: ok, replaced, skipped
    (already stored), conflict (another trace has the id) or failed. The exit code is 1 if a trace failed, 3 if there
    were only conflicts, and 0 otherwise.
    """
    import asyncio

    from tqdm import tqdm

    from core.local.environment import load_settings
    from core.local.secrets import find_admin_key
    from core.transfer.import_files import measure, read_items
    from core.transfer.import_items import OnConflict, choose_exit_code, describe_totals, import_items
    from core.transfer.import_trace import restore_into
    from functions.client.connection import Connection
    from functions.client.upload import upload_to

    def report(line: str) -> None:
        tqdm.write(line, file=sys.stdout)
        sys.stdout.flush()

    with tqdm(total=measure(files), unit="B", unit_scale=True, disable=None) as bar:
        settings, conflict = load_settings(), OnConflict(on_conflict)
        items = read_items(files, limit=settings.max_body_mb * 1024**2, progress=bar.update)
        if url is not None:
            server = Connection(url.rstrip("/"), key or find_admin_key(settings) or "")
            totals = asyncio.run(import_items(items, upload_to(server, on_conflict=conflict), report))
        else:
            with admin_database() as run_work:
                run_work(lambda access, _: access.process_secret.require())
                # Waiting for standard input would hold up the traces that are being stored.
                parallel = 1 if "-" in files else settings.database_pool_size
                totals = run_work(
                    lambda access, own: import_items(
                        items, restore_into(access, own, conflict), report, parallel=parallel
                    )
                )
    click.echo(describe_totals(totals), err=True)
    sys.exit(choose_exit_code(totals))


def serve_on(database: "Database", settings: "Settings") -> None:
    """Set the environment of the app and serve it until a signal arrives."""
    from core.access.secret import choose_secret, describe_lack
    from core.cli.banner import write_banner, write_url
    from core.deploy.commit import find_commit
    from core.local.connection import read_guards
    from core.local.environment import export, open_ingest
    from core.local.secrets import load_admin_key, load_secret
    from core.logging import configure_logging
    from functions.web.serve import bind, count_cores, serve

    admin_key, ingest_open = load_admin_key(settings), open_ingest(settings)
    guards = None if database.embedded_dsn else read_guards(find_migration_dsn())
    secret = load_secret(settings, guards)
    if guards is not None:
        chosen = choose_secret(guards, setting=secret, previous=settings.previous_secret)
        for lack in describe_lack(guards, chosen, has_admin_key=True):
            click.echo(f"warning: {lack}", err=True)
    export(dsn=database.embedded_dsn, admin_key=admin_key, secret=secret, ingest_open=ingest_open)
    if (commit := find_commit()) is not None:
        os.environ["THUNDER_COMMIT"] = commit.sha
    with bind(settings.app_host, settings.app_port) as bound:
        url = write_url(settings.app_host, bound.getsockname()[1])
        os.environ["THUNDER_OWN_URL"] = url
        link = create_sign_in_link(settings.thunder_url or url, admin_key)
        banner = write_banner(
            url,
            admin_key=admin_key,
            ingest_open=ingest_open,
            database=database.name,
            keyless=settings.playground_keyless,
            link=link,
        )

        def announce() -> None:
            database.announce(url)
            click.echo(banner)

        configure_logging(settings.log_level)
        serve(bound, announce=announce, workers=settings.app_workers or count_cores())


def create_sign_in_link(url: str, admin_key: str) -> str | None:
    """Create the link of the banner. Return None if the database can't store it, which the server then reports."""
    from core.access.sign_ins import create_link
    from core.cli.banner import write_link
    from core.errors import ThunderError
    from core.local.admin import run_as_admin
    from core.settings import Settings

    try:
        token = run_as_admin(Settings(), lambda access, key: create_link(access, key, admin_key=admin_key))
    except ThunderError:
        return None
    return write_link(url, token)


for command in (
    *(migrate, status, doctor, adopt),
    *(keys, delete, verify_deletion, clear, export, rescore, schema, secret),
):
    cli.add_command(command)

if __name__ == "__main__":
    cli()
