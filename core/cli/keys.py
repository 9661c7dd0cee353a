"""`manage.py keys …`: manage API keys."""

import click

from core.cli.shared import YES, admin_database


@click.group()
def keys() -> None:
    """Create, list, revoke and rotate API keys."""


@keys.command("create")
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    help="ingest, read, read_all, curate or delete; repeatable  [default: read, curate]",
)
@click.option("--user-key", help="Limit the key to this user: a user API key or its label.")
@click.option("--admin", is_flag=True, help="Create an admin key, which may do everything.")
@click.option("--expires-at", help="Time at which the key expires, in RFC 3339.")
@click.option("--description", help="Description of the key.")
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
    """Create a key with the name NAME and print it. It can't be shown again."""
    from core.access.keys import create_key, read_new_key

    given = {"description": description, "allowed_api_key": user_key, "expires_at": expires_at}
    with admin_database(f"Create the key {name!r}", yes=yes) as run_work:
        new = read_new_key(name=name, is_admin=admin, scopes=list(scopes) or None, **given)
        if user_key is not None:
            run_work(lambda access, _: access.process_secret.require())
        made = run_work(lambda access, key: create_key(access, key, new))
    click.echo(made.api_key)
    click.echo(f"key {made.id}: {made.message}", err=True)


@keys.command("list")
def list_() -> None:
    """List all keys, newest first."""
    from core.access.keys import list_keys
    from core.cli.sizes import count_of
    from core.local.admin import describe_key

    with admin_database() as run_work:
        rows = run_work(list_keys)
    for row in rows:
        click.echo(describe_key(row))
    click.echo(count_of(len(rows), "key", "keys"), err=True)


@keys.command("revoke")
@click.argument("key_id", type=click.IntRange(1, 2**63 - 1))
@YES
def revoke(key_id: int, *, yes: bool) -> None:
    """Revoke the key KEY_ID, effective with the next request."""
    from core.access.keys import revoke_key

    with admin_database(f"Revoke key {key_id}", yes=yes) as run_work:
        run_work(lambda access, key: revoke_key(access, key, key_id=key_id))
    click.echo(f"key {key_id} is revoked")


@keys.command("rotate")
@click.argument("key_id", type=click.IntRange(1, 2**63 - 1))
@click.option("--overlap-hours", type=float, default=24.0, show_default=True, help="How long the old key stays valid.")
@YES
def rotate(key_id: int, *, overlap_hours: float, yes: bool) -> None:
    """Create a successor of the key KEY_ID and print it. It can't be shown again."""
    from core.access.keys import rotate_key

    with admin_database(f"Rotate key {key_id}", yes=yes) as run_work:
        made = run_work(lambda access, key: rotate_key(access, key, key_id=key_id, overlap_hours=overlap_hours))
    click.echo(made.api_key)
    click.echo(f"key {made.id}: {made.message}", err=True)
