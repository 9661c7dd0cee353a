"""`manage.py keys …`: keys that are given out."""

import click

from core.cli.shared import YES, admin_database, plain_errors


@click.group()
def keys() -> None:
    """Keys that are given out: make, list, revoke and rotate them in the database of DATABASE_URL or of `run`."""


@keys.command("create")
@click.argument("name")
@click.option("--scope", "scopes", multiple=True, help="ingest, read, curate, delete; the default is read and curate.")
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
    from core.local.admin import describe_key

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
