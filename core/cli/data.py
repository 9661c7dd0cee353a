"""Commands on what a database holds: delete, clear, export, schema."""

import sys
from pathlib import Path

import click

from core.cli.shared import YES, admin_database, plain_errors


@click.command()
@click.option("--user-key", help="Of this user: their key, or its label. Their collections go, too.")
@click.option("--older-than", help="That came in longer ago than this: 90d, 12h, 30m.")
@YES
def delete(user_key: str | None, older_than: str | None, *, yes: bool) -> None:
    """Delete requests for good, with all that hangs on them, and print a receipt of each as a line of JSON.

    With both options, those that are both. One request alone goes by DELETE /logs/ID, all by `clear`.
    """
    from tqdm import tqdm

    from core.cli.age import read_age
    from core.deletions.deletion import Doomed, count_doomed, delete_all
    from core.deletions.store import Deletion

    with plain_errors():
        doomed = Doomed(user_key, read_age(older_than) if older_than else None)
        with admin_database(None, yes=True) as run_work:
            found = run_work(lambda access, key: count_doomed(access, key, doomed))
        with (
            # Asked even if there is none: the user's collections go as well, and a run that was cut short goes on.
            admin_database(f"Delete {found.doomed} requests for good", yes=yes) as run_work,
            tqdm(total=found.doomed, unit=" requests", disable=None) as bar,
        ):

            def tell(receipts: list[Deletion]) -> None:
                bar.update(len(receipts))
                for receipt in receipts:
                    click.echo(receipt.model_dump_json())

            count = run_work(lambda access, key: delete_all(access, key, doomed, deleted_by="command", tell=tell))
    click.echo(f"{count} requests are deleted", err=True)
    if found.held:
        click.echo(f"{found.held} requests are on legal hold and stay", err=True)


@click.command("verify-deletion")
@click.argument("request_id")
@click.option("--user-key", help="Look for this user's key, its label and its HMAC as well.")
def verify_deletion(request_id: str, *, user_key: str | None) -> None:
    """Prove that the request REQUEST_ID is deleted: receipts, and a search of every table and stored document.

    Exits with 1 unless its receipt is there, the chain of receipts is whole, and nothing is found.
    """
    from core.deletions.proof import describe_proof, verify

    with plain_errors():
        with admin_database(None, yes=True) as run_work:
            proof = run_work(lambda access, key: verify(access, key, request_id=request_id, user_key=user_key))
        click.echo("\n".join(describe_proof(proof)))
        if not proof.holds:
            raise click.exceptions.Exit(1)


@click.command()
@click.option("--all", "everything", is_flag=True, help="Requests whose scores are of this version, too.")
def rescore(*, everything: bool) -> None:
    """Update what requests store of their scores, after a version of Thunder changed the scoring rules.

    Works in batches while the server runs, and goes on where it was interrupted. Logs need no update: they are derived
    when they are read. Exit code 1 if a request could not be scored; it stays as it was.
    """
    from tqdm import tqdm

    from core.traces.rescore import count_outdated, describe_rescored
    from core.traces.rescore import rescore as rescore_all

    with plain_errors(), admin_database(None, yes=True) as run_work:
        count = run_work(lambda access, key: count_outdated(access, key, everything=everything))
        with tqdm(total=count, unit=" requests", disable=None) as bar:
            done = run_work(lambda access, key: rescore_all(access, key, everything=everything, progress=bar.update))
    click.echo("\n".join(describe_rescored(done)))
    sys.exit(1 if done.failed else 0)


@click.command()
@YES
@click.option("--yes-production", is_flag=True, help="Clear it even if its owner looks like production.")
def clear(*, yes: bool, yes_production: bool) -> None:
    """Empty the database of every request, mod and collection; keys and the owner's stamp stay.

    Refuses a database whose owner looks like production: one without staging, dev or test in its name. The embedded
    one of `run` never does.
    """
    from core.cli.clear import clear_database, describe_cleared, require_clearable
    from core.cli.confirm import ask, show_database
    from core.local.environment import load_settings
    from core.local.reach import reach_database

    with plain_errors(), reach_database(load_settings()) as reached:
        shown = show_database(reached.dsn)
        app_name = reached.settings.thunder_app_name
        stamp = require_clearable(shown, app_name=app_name, embedded=reached.embedded, yes_production=yes_production)
        ask(f"Delete all that {stamp.app_name} has stored there", yes=yes)
        contents = clear_database(reached.dsn, app_name=stamp.app_name)
    click.echo("\n".join(describe_cleared(contents)))


@click.command()
@click.option(
    "--what",
    type=click.Choice(["requests", "steps", "actions", "traces", "audit"]),
    default="requests",
    show_default=True,
    help="A row per request, token or action; whole traces, which import reads; or the audit log.",
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
    from core.local.environment import load_settings
    from core.transfer.export import Format, What, export_to, read_filters

    with plain_errors():
        filters = read_filters(model=model, mod=mod, tag=tag, after=after, before=before)
        chosen = {"what": What(what), "as_format": Format(as_format)}
        count = export_to(output, load_settings(), filters=filters, user=user, **chosen)
    click.echo(f"{count:,} {what} are written to {'standard output' if output == '-' else output}", err=True)


@click.command()
@click.option("--output", default="current_schema.sql", show_default=True, help="The file to write; - is stdout.")
@click.option("--of-migrations", is_flag=True, help="What the migrations add up to, as sql/schema.sql has it.")
def schema(output: str, *, of_migrations: bool) -> None:
    """Write the schema that the database has now, as pg_dump does.

    With --of-migrations it needs no database of yours.
    """
    from core.local.database import answering
    from core.local.environment import load_settings
    from core.local.reach import reach_database
    from core.local.schema import write_current_schema, write_schema

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
