"""Report what depends on the secret of a database, and record another secret."""

from dataclasses import dataclass

from core.access.secret import NOT_USED_YET, ChosenSecret, choose_secret, fingerprint_of
from core.access.store import COUNT_OWNED, FIND_GUARDS, SET_FINGERPRINT, Owned
from core.audit.store import Action
from core.cli.sizes import count_of
from core.database.statements import REQUIRE_OWNER
from core.local.connection import ChoreError, connect
from core.local.reach import ChoreDatabase
from core.local.secrets import find_secret
from core.transfer.store import note


@dataclass(frozen=True, slots=True)
class SecretStatus:
    """The secret of this process, whether the database knows one, and what depends on it."""

    chosen: ChosenSecret
    source: str
    is_recorded: bool
    owned: Owned


def read_secret(reached: ChoreDatabase) -> SecretStatus:
    """Compare the secret of this process with the database.

    Raises:
        ChoreError: the database is not migrated, or belongs to another app.
    """
    settings = reached.settings
    setting = settings.thunder_secret.get_secret_value() if settings.thunder_secret else None
    in_file = find_secret(settings)
    with connect(reached.dsn) as conn:
        REQUIRE_OWNER.run(conn, app_name=settings.thunder_app_name)
        guards, owned = FIND_GUARDS.run_only(conn), COUNT_OWNED.run_only(conn)
    chosen = choose_secret(guards, setting=setting, in_file=in_file)
    sources = {
        setting: "THUNDER_SECRET",
        guards.kept_secret: "generated, in the database",
        in_file: str(settings.thunder_data_dir / "secret"),
    }
    source = "none" if chosen.secret is None else sources[chosen.secret]
    return SecretStatus(chosen, source, guards.fingerprint is not None, owned)


def describe_secret(found: SecretStatus) -> list[str]:
    """Return the lines to print."""
    state = found.chosen.problem or "matches the database"
    if not found.chosen.problem and not found.is_recorded:
        state = "the database has not recorded a secret yet; the next server records it"
    owned = found.owned
    return [
        f"secret    {found.source}",
        f"state     {state}",
        f"owners    {owned.owners:,}, with {count_of(owned.requests, 'request', 'requests')}",
        f"keys      {count_of(owned.keys, 'live key', 'live keys')} bound to an owner",
        f"links     {owned.links:,}",
        f"alerts    {owned.alerts:,}",
    ]


def describe_loss(owned: Owned) -> list[str]:
    """Return the lines that list what depends on the lost secret."""
    owners, requests = count_of(owned.owners, "owner", "owners"), count_of(owned.requests, "request", "requests")
    links = count_of(owned.links, "share link", "share links")
    return [
        f"{owners}: their keys no longer open {requests}, which only admins see from then on",
        f"{count_of(owned.keys, 'key', 'keys')} bound to them: bind them again (PUT /auth/keys)",
        f"{links}: they still open, but the log shows another token; publish again",
        f"{count_of(owned.alerts, 'alert', 'alerts')}: rotate the signing secrets",
    ]


def require_value(found: SecretStatus) -> str:
    """Return the secret of this process.

    Raises:
        ChoreError: it has none.
    """
    if found.chosen.secret is None:
        raise ChoreError(found.chosen.problem or NOT_USED_YET)
    return found.chosen.secret


def accept_secret(reached: ChoreDatabase, secret: str, found: SecretStatus) -> None:
    """Record the fingerprint of the present secret, and what that orphans in the audit log."""
    orphaned = found.owned.model_dump() if found.chosen.problem else {}
    with connect(reached.dsn) as conn, conn.transaction():
        REQUIRE_OWNER.run(conn, app_name=reached.settings.thunder_app_name)
        SET_FINGERPRINT.run(conn, fingerprint=fingerprint_of(secret))
        note(conn, Action.ACCEPT_SECRET, {"orphaned": orphaned})
