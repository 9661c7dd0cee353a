"""Commands on the data of a database: delete, verify-deletion, rescore, clear, export, schema."""

import sys
from pathlib import Path

import click

from core.cli.shared import YES, admin_database, chore_database


@click.command()
@click.option(
    "--user-key",
    help="Requests of this user (user API key or label). Without --older-than, also all else that the user owns.",
)
@click.option("--older-than", help="Requests received longer ago than this: 90d, 12h, 30m.")
@YES
def delete(user_key: str | None, older_than: str | None, *, yes: bool) -> None:
    """Permanently delete requests and their data.

    Prints a receipt for each request as a line of JSON. With both options, only requests that match both are deleted.
    To delete a single request, use DELETE /logs/ID; to delete everything, use `clear`. The exit code is 3 if the user
    owns nothing that matches.
    """
    from tqdm import tqdm

    from core.cli.age import read_age
    from core.cli.sizes import count_of
    from core.deletions.deletion import DeletionScope, count_deletable, delete_all
    from core.deletions.store import Deletion

    scope = DeletionScope(user_key, read_age(older_than) if older_than else None)
    with admin_database() as run_work:
        found = run_work(lambda access, key: count_deletable(access, key, scope))
    with (
        # Runs even if no request matches: it deletes the user's collections, alerts and playground key.
        admin_database(f"Permanently delete {count_of(found.deletable, 'request', 'requests')}", yes=yes) as run_work,
        tqdm(total=found.deletable, unit=" requests", disable=None) as bar,
    ):

        def report(receipts: list[Deletion]) -> None:
            bar.update(len(receipts))
            for receipt in receipts:
                click.echo(receipt.model_dump_json())

        count = run_work(lambda access, key: delete_all(access, key, scope, deleted_by="command", report=report))
    click.echo(f"{count_of(count, 'request', 'requests')} deleted", err=True)
    if found.held:
        click.echo(f"{count_of(found.held, 'request', 'requests')} kept, because of a legal hold", err=True)


@click.command("verify-deletion")
@click.argument("request_id")
@click.option("--user-key", help="Also search for this user API key, its label and its HMAC.")
def verify_deletion(request_id: str, *, user_key: str | None) -> None:
    """Verify that the request REQUEST_ID is deleted.

    Checks the receipts of deletions, and searches all tables and documents. The exit code is 1 unless the receipt
    exists, the chain of receipts is intact, and the search finds nothing.
    """
    from core.deletions.proof import describe_proof, verify

    with admin_database() as run_work:
        proof = run_work(lambda access, key: verify(access, key, request_id=request_id, user_key=user_key))
    click.echo("\n".join(describe_proof(proof)))
    if not proof.holds:
        raise click.exceptions.Exit(1)


@click.command()
@click.option("--all", "everything", is_flag=True, help="Include requests whose scores are up to date.")
def rescore(*, everything: bool) -> None:
    """Score stored requests again.

    Run it after a new version of Thunder has changed the scoring rules, or a calibrator was activated. Works in batches
    while the server runs. If interrupted, run it again to continue. Logs need no update, because they are derived when
    they are read. The exit code is 1 if a request could not be scored; it stays unchanged.
    """
    from tqdm import tqdm

    from core.traces.rescore import count_outdated, describe_rescored
    from core.traces.rescore import rescore as rescore_all

    with admin_database() as run_work:
        count = run_work(lambda access, key: count_outdated(access, key, everything=everything))
        with tqdm(total=count, unit=" requests", disable=None) as bar:
            done = run_work(lambda access, key: rescore_all(access, key, everything=everything, progress=bar.update))
    click.echo("\n".join(describe_rescored(done)))
    sys.exit(1 if done.failed else 0)


@click.command()
@YES
@click.option("--yes-production", is_flag=True, help="Clear the database even if its app looks like production.")
def clear(*, yes: bool, yes_production: bool) -> None:
    """Delete all traces, and everything that people made from them.

    Requests, mods, collections, calibrators and alerts are deleted. Keys, receipts of deletions, the audit log and the
    stamp stay.

    Refuses a database whose app looks like production, that is, has no staging, dev or test in its name. The embedded
    database of `run` can always be cleared.
    """
    from core.cli.clear import clear_database, describe_cleared, require_clearable
    from core.cli.confirm import ask, show_database

    with chore_database() as reached:
        shown = show_database(reached.dsn)
        app_name = reached.settings.thunder_app_name
        stamp = require_clearable(shown, app_name=app_name, embedded=reached.embedded, yes_production=yes_production)
        ask(f"Permanently delete all data of {stamp.app_name}", yes=yes)
        contents = clear_database(reached.dsn, app_name=stamp.app_name)
    click.echo("\n".join(describe_cleared(contents)))


@click.command()
@click.option(
    "--what",
    type=click.Choice(["requests", "steps", "actions", "traces", "audit", "calibrators", "activations"]),
    default="requests",
    show_default=True,
    help="One row per request, token or action; whole traces, calibrators or runs of activations; or the audit log.",
)
@click.option("--format", "as_format", type=click.Choice(["jsonl", "parquet"]), default="jsonl", show_default=True)
@click.option("--output", default="-", help="File to write; - is stdout. *.gz and *.zst are compressed.")
@click.option("--model", help="Requests of this model.")
@click.option("--mod", help="Requests that name or call this mod.")
@click.option("--tag", help="Requests with this tag.")
@click.option("--user", help="Requests of this user: a label or a user API key.")
@click.option("--from", "after", help="Requests that began at or after this time: 2025-11-01, 2025-11-01T12:30:00Z.")
@click.option("--to", "before", help="Requests that began before this time.")
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
    """Export requests to a file or to standard output.

    The export is a consistent snapshot. It may have any size, because only one batch of rows is in memory at a time.
    The exit code is 3, and no file is written, if nothing of the user given by --user matches.
    """
    from core.local.environment import load_settings
    from core.transfer.export import Format, What, export_to, read_filters

    filters = read_filters(model=model, mod=mod, tag=tag, after=after, before=before)
    chosen = {"what": What(what), "as_format": Format(as_format)}
    count = export_to(output, load_settings(), filters=filters, user=user, **chosen)
    click.echo(f"{count:,} {what} written to {'standard output' if output == '-' else output}", err=True)


@click.command()
@click.option("--output", default="current_schema.sql", show_default=True, help="File to write; - is stdout.")
@click.option("--of-migrations", is_flag=True, help="Write the result of all migrations, as in sql/schema.sql.")
def schema(output: str, *, of_migrations: bool) -> None:
    """Write the current schema of the database.

    The schema is dumped by pg_dump. With --of-migrations, no database is needed.
    """
    from core.local.database import answering
    from core.local.schema import write_current_schema, write_schema

    if of_migrations:
        text = write_schema()
    else:
        with chore_database() as reached, answering(reached.dsn):
            text = write_current_schema(reached.dsn)
    if output == "-":
        click.echo(text, nl=False)
    else:
        Path(output).write_text(text, encoding="utf-8")
        click.echo(f"{output} written", err=True)
