"""Thunder from a shell: `python manage.py --help`."""

import contextlib
import sys
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from core.errors import ThunderError

if TYPE_CHECKING:
    from core.access.session import Access
    from core.launch.database import Database
    from core.settings import Settings


@click.group(context_settings={"max_content_width": 100})
def cli() -> None:
    """Thunder's commands. Settings come from the environment and from .env; .env.example lists them."""
    from core.logs import configure_logging

    # A chore's warnings come without values, too; `run` sets the level of LOG_LEVEL.
    configure_logging("warning", keep=True)


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
    """Apply the migrations that the database of DATABASE_URL lacks; a new one becomes THUNDER_APP_NAME's."""
    from core.launch.database import migrate_remote
    from core.launch.environment import describe_database, load_settings

    with plain_errors():
        dsn, app_name = find_migration_dsn(), load_settings().thunder_app_name
        click.echo(f"{describe_database(dsn)}, as {app_name}", err=True)
        applied = migrate_remote(dsn, app_name=app_name)
    for migration in applied:
        click.echo(f"applied {migration}")
    click.echo("nothing to apply" if not applied else f"{len(applied)} applied")


@cli.command()
def status() -> None:
    """Show whose the database is, which migrations it lacks and what is in it; exit code 1 while some are pending."""
    from core.chores.status import describe_status, read_database_status
    from core.launch.environment import load_settings
    from core.launch.reach import reach_database

    with plain_errors(), reach_database(load_settings()) as reached:
        found = read_database_status(reached.dsn)
    click.echo("\n".join(describe_status(found)))
    sys.exit(1 if found.pending else 0)


@cli.command()
def doctor() -> None:
    """Check settings, database and keys, each with ok, warn or fail and what to do; exit code 1 if something fails."""
    from core.chores.doctor import examine
    from core.chores.findings import Level
    from core.launch.environment import load_settings

    failed = False
    with plain_errors():
        for finding in examine(load_settings()):
            click.echo(finding.describe())
            failed = failed or finding.level is Level.FAIL
    sys.exit(1 if failed else 0)


@cli.command()
@click.option("--app-name", required=True, help="The app that the database shall belong to.")
@click.option("--yes", is_flag=True, help="Don't ask.")
def adopt(app_name: str, *, yes: bool) -> None:
    """Take a database over from the app it belongs to, a branch of production's for staging, say.

    It is the one of DATABASE_URL, or else the embedded one of `run`, which must not be running. Processes of the
    former owner answer 503 from then on.
    """
    from core.launch.adoption import adopt_database
    from core.launch.database import open_database
    from core.launch.environment import load_settings

    with plain_errors(), open_database(load_settings()) as database:
        click.echo(adopt_database(database.embedded_dsn or find_migration_dsn(), app_name=app_name, yes=yes))


@cli.group()
def keys() -> None:
    """Keys that are given out: make, list, revoke and rotate them in the database of DATABASE_URL or of `run`."""


YES = click.option("--yes", is_flag=True, help="Don't ask.")


@keys.command("create")
@click.argument("name")
@click.option("--scope", "scopes", multiple=True, help="ingest, read, curate; the default is read and curate.")
@click.option("--user-key", help="The user whose requests it sees or may post: their key, or its label.")
@click.option("--admin", is_flag=True, help="Sees and does all.")
@click.option("--expires-at", help="When it dies by itself: RFC 3339.")
@click.option("--description", help="What it is for.")
@YES
def create(  # noqa: PLR0913 - each is an option
    name: str,
    *,
    scopes: tuple[str, ...],
    user_key: str | None,
    admin: bool,
    expires_at: str | None,
    description: str | None,
    yes: bool,
) -> None:
    """Make a key called NAME and print it, this once."""
    from core.access.keys import create_key, read_new_key

    given = {"description": description, "allowed_api_key": user_key, "expires_at": expires_at}
    with plain_errors(), admin_database(f"Make the key {name!r}", yes=yes) as run_work:
        new = read_new_key(name=name, is_admin=admin, scopes=list(scopes) or None, **given)
        made = run_work(lambda access, key: create_key(access, key, new))
    click.echo(made.api_key)
    click.echo(f"key {made.id}: {made.message}", err=True)


@keys.command("list")
def list_() -> None:
    """List every key, newest first."""
    from core.access.keys import list_keys
    from core.launch.keys import describe_key

    with plain_errors(), admin_database(None, yes=True) as run_work:
        rows = run_work(list_keys)
    for row in rows:
        click.echo(describe_key(row))
    click.echo(f"{len(rows)} keys", err=True)


@keys.command("revoke")
@click.argument("key_id", type=click.IntRange(1, 2**63 - 1))
@YES
def revoke(key_id: int, *, yes: bool) -> None:
    """Revoke the key KEY_ID: the next request with it is refused, everywhere."""
    from core.access.keys import revoke_key

    with plain_errors(), admin_database(f"Revoke key {key_id}", yes=yes) as run_work:
        run_work(lambda access, key: revoke_key(access, key, key_id=key_id))
    click.echo(f"key {key_id} is revoked")


@keys.command("rotate")
@click.argument("key_id", type=click.IntRange(1, 2**63 - 1))
@click.option("--overlap-hours", type=float, default=24.0, show_default=True, help="How long the old one lives on.")
@YES
def rotate(key_id: int, *, overlap_hours: float, yes: bool) -> None:
    """Make a successor of the key KEY_ID and print it, this once."""
    from core.access.keys import rotate_key

    with plain_errors(), admin_database(f"Rotate key {key_id}", yes=yes) as run_work:
        made = run_work(lambda access, key: rotate_key(access, key, key_id=key_id, overlap_hours=overlap_hours))
    click.echo(made.api_key)
    click.echo(f"key {made.id}: {made.message}", err=True)


@cli.command()
@click.option("--user-key", help="Of this user: their key, or its label. Their collections go, too.")
@click.option("--older-than", help="That came in longer ago than this: 90d, 12h, 30m.")
@YES
def delete(user_key: str | None, older_than: str | None, *, yes: bool) -> None:
    """Delete requests for good, with all that hangs on them, and print a receipt of each as a line of JSON.

    With both options, those that are both. One request alone goes by DELETE /logs/ID, all by `clear`.
    """
    from tqdm import tqdm

    from core.deletions.deletion import Doomed, count_doomed, delete_all
    from core.deletions.store import Deletion
    from core.launch.age import read_age

    with plain_errors():
        doomed = Doomed(user_key, read_age(older_than) if older_than else None)
        with admin_database(None, yes=True) as run_work:
            count = run_work(lambda access, key: count_doomed(access, key, doomed))
        with (
            # Asked even if there is none: the user's collections go as well, and a run that was cut short goes on.
            admin_database(f"Delete {count} requests for good", yes=yes) as run_work,
            tqdm(total=count, unit=" requests", disable=None) as bar,
        ):

            def tell(receipts: list[Deletion]) -> None:
                bar.update(len(receipts))
                for receipt in receipts:
                    click.echo(receipt.model_dump_json())

            count = run_work(lambda access, key: delete_all(access, key, doomed, deleted_by="command", tell=tell))
    click.echo(f"{count} requests are deleted", err=True)


@cli.command()
@click.argument("environment")
@click.option("--migrate", "migrates", is_flag=True, help="Apply pending migrations first, rather than stop at them.")
@click.option("--url", help="Where the app will answer, if not where Modal says.")
def deploy(environment: str, *, migrates: bool, url: str | None) -> None:
    """Deploy ENVIRONMENT (staging, production, …) to Modal: look at its database, deploy, try what is online."""
    from core.launch.rollout import roll_out

    with plain_errors():
        roll_out(environment, migrates=migrates, url=url, say=lambda line: click.echo(line, err=True))


@cli.command()
@YES
@click.option("--yes-production", is_flag=True, help="Clear it even if its owner looks like production.")
def clear(*, yes: bool, yes_production: bool) -> None:
    """Empty the database of every request, mod and collection; keys and the owner's stamp stay.

    Refuses a database whose owner looks like production: one without staging, dev or test in its name. The embedded
    one of `run` never does.
    """
    from core.chores.clear import clear_database, describe_cleared, require_clearable
    from core.launch.confirm import ask, show_database
    from core.launch.environment import load_settings
    from core.launch.reach import reach_database

    with plain_errors(), reach_database(load_settings()) as reached:
        shown = show_database(reached.dsn)
        app_name = reached.settings.thunder_app_name
        stamp = require_clearable(shown, app_name=app_name, embedded=reached.embedded, yes_production=yes_production)
        ask(f"Delete all that {stamp.app_name} has stored there", yes=yes)
        contents = clear_database(reached.dsn, app_name=stamp.app_name)
    click.echo("\n".join(describe_cleared(contents)))


@cli.command()
@click.option(
    "--what",
    type=click.Choice(["requests", "steps", "actions", "traces"]),
    default="requests",
    show_default=True,
    help="A row per request, token or action; or whole traces, which import reads.",
)
@click.option("--format", "as_format", type=click.Choice(["jsonl", "parquet"]), default="jsonl", show_default=True)
@click.option("--output", default="-", help="The file to write, whole or not at all; *.gz and *.zst are compressed.")
@click.option("--model", help="Requests of this model.")
@click.option("--mod", help="Requests that named or called this mod.")
@click.option("--tag", help="Requests with this tag.")
@click.option("--user", help="Requests of this user: their label, or their key.")
@click.option("--from", "after", help="Requests begun at this moment or later: 2025-11-01, 2025-11-01T12:30:00Z.")
@click.option("--to", "before", help="Requests begun before this moment.")
def export(  # noqa: PLR0913 - each is an option
    *,
    what: str,
    as_format: str,
    output: str,
    model: str | None,
    mod: str | None,
    tag: str | None,
    user: str | None,
    after: str | None,
    before: str | None,
) -> None:
    """Write what passes the filters, as it is at one moment, to a file or to standard output.

    Of any size: only a batch of rows is in memory at a time.
    """
    from core.chores.export import Format, What, export_to, read_filters
    from core.launch.environment import load_settings

    with plain_errors():
        filters = read_filters(model=model, mod=mod, tag=tag, after=after, before=before)
        chosen = {"what": What(what), "as_format": Format(as_format)}
        count = export_to(output, load_settings(), filters=filters, user=user, **chosen)
    click.echo(f"{count:,} {what} are written to {'standard output' if output == '-' else output}", err=True)


@cli.command("import")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, allow_dash=True))
@click.option(
    "--on-conflict",
    type=click.Choice(["skip", "replace"]),
    default="skip",
    show_default=True,
    help="What to do if another trace has the id.",
)
@click.option("--url", help="Post to this Thunder, rather than store in the database.")
@click.option("--key", help="The key to post with; the default is THUNDER_ADMIN_KEY, or that of `run`.")
def import_(files: tuple[str, ...], *, on_conflict: str, url: str | None, key: str | None) -> None:
    """Store the traces in FILES: lines of `export --what traces`, what the engine wrote, folders of that; - is stdin.

    Gzip and zstd are unpacked. What is there already is skipped, so an import that was interrupted is run again. Each
    trace gets a line: ok, replaced, skipped, or failed with the reason; exit code 1 if any failed.
    """
    import asyncio

    from tqdm import tqdm

    from core.chores.importing import OnConflict, Status, describe_totals, import_items
    from core.chores.restore import restore_into
    from core.chores.sources import measure, read_items
    from core.launch.admin_key import find_admin_key
    from core.launch.environment import load_settings
    from functions.client.upload import Server, upload_to

    def tell(line: str) -> None:
        tqdm.write(line, file=sys.stdout)
        sys.stdout.flush()

    with plain_errors(), tqdm(total=measure(files), unit="B", unit_scale=True, disable=None) as bar:
        settings, conflict = load_settings(), OnConflict(on_conflict)
        items = read_items(files, limit=settings.max_body_mb * 1024**2, progress=bar.update)
        if url is not None:
            server = Server(url.rstrip("/"), key or find_admin_key(settings) or "")
            totals = asyncio.run(import_items(items, upload_to(server, on_conflict=conflict), tell))
        else:
            with admin_database(None, yes=True) as run_work:
                totals = run_work(lambda access, own: import_items(items, restore_into(access, own, conflict), tell))
    click.echo(describe_totals(totals), err=True)
    sys.exit(1 if totals[Status.FAILED] else 0)


@cli.command()
def secret() -> None:
    """Print a new THUNDER_SECRET, to be kept outside the database."""
    import secrets

    click.echo(secrets.token_hex(32))


@contextlib.contextmanager
def admin_database(action: str | None, *, yes: bool) -> "Generator[Callable[[Callable[[Access, str], Any]], Any]]":
    """A way to do work on the database with an admin's rights, after asking whether to change it."""
    from functools import partial

    from core.launch.confirm import confirm_change
    from core.launch.environment import load_settings
    from core.launch.keys import run_as_admin
    from core.launch.reach import reach_database

    with reach_database(load_settings(), make=True) as reached:
        if action is not None:
            confirm_change(reached.dsn, action, yes=yes)
        yield partial(run_as_admin, reached.settings)


@cli.command()
@click.option("--output", default="current_schema.sql", show_default=True, help="The file to write; - is stdout.")
@click.option("--of-migrations", is_flag=True, help="What the migrations add up to, as sql/schema.sql has it.")
def schema(output: str, *, of_migrations: bool) -> None:
    """Write the schema that the database has now, as pg_dump does; as the catalogue has it where there is none.

    With --of-migrations it needs no database of yours.
    """
    from core.database.schema import write_current_schema, write_schema
    from core.launch.database import answering
    from core.launch.environment import load_settings
    from core.launch.reach import reach_database

    with plain_errors():
        if of_migrations:
            text = write_schema()
        else:
            with reach_database(load_settings()) as reached, answering(reached.dsn):
                text = write_current_schema(reached.dsn)
        if output == "-":
            click.echo(text, nl=False)
        else:
            Path(output).write_text(text, encoding="utf-8")
            click.echo(f"{output} is written", err=True)


def serve_on(database: "Database", settings: "Settings") -> None:
    """Hand the app its environment and serve it until a signal comes."""
    from core.launch.admin_key import load_admin_key, load_secret
    from core.launch.banner import write_banner, write_url
    from core.launch.environment import export, open_ingest
    from core.logs import configure_logging
    from functions.common.serve import bind, count_cores, serve

    admin_key, ingest_open = load_admin_key(settings), open_ingest(settings)
    export(dsn=database.embedded_dsn, admin_key=admin_key, secret=load_secret(settings), ingest_open=ingest_open)
    with bind(settings.app_host, settings.app_port) as bound:
        url = write_url(settings.app_host, bound.getsockname()[1])
        banner = write_banner(url, admin_key=admin_key, ingest_open=ingest_open, database=database.name)

        def announce() -> None:
            database.announce(url)
            click.echo(banner)

        configure_logging(settings.log_level)
        serve(bound, announce=announce, workers=settings.app_workers or count_cores())


def find_migration_dsn() -> str:
    """The direct connection if there is one: a migration outlives a pooler's patience."""
    from core.database.direct import find_session_dsn
    from core.launch.environment import load_settings

    dsn = find_session_dsn(load_settings())
    if dsn is None:
        raise click.ClickException("DATABASE_URL is not set (the embedded database of `run` migrates itself)")
    return dsn


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
