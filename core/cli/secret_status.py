"""Report what depends on the secret of a database, and record another secret."""

from dataclasses import dataclass

from core.access.secret import NOT_USED_YET, ChosenSecret, choose_secret, fingerprint_of, list_left_over
from core.access.store import COUNT_OWNED, END_ROTATION, FIND_GUARDS, SET_FINGERPRINT, Guards, Owned
from core.audit.store import Action
from core.cli.sizes import count_of
from core.database.statements import REQUIRE_STAMP
from core.local.connection import ChoreError, connect
from core.local.reach import ChoreDatabase
from core.local.secrets import find_secret
from core.transfer.store import note


@dataclass(frozen=True, slots=True)
class SecretStatus:
    """The secret of this process, whether the database knows one, and what depends on it."""

    chosen: ChosenSecret
    source: str
    guards: Guards
    owned: Owned

    @property
    def problem(self) -> str:
        """The problem with the settings: another secret, or a rotation that can't be finished."""
        return self.chosen.problem or "".join(list_left_over(self.guards, self.chosen))


def read_secret(reached: ChoreDatabase) -> SecretStatus:
    """Compare the secret of this process with the database.

    Raises:
        ChoreError: the database is not migrated, or belongs to another app.
    """
    settings = reached.settings
    setting, previous = settings.secret, settings.previous_secret
    in_file = find_secret(settings)
    with connect(reached.dsn) as conn:
        REQUIRE_STAMP.run(conn, app_name=settings.thunder_app_name)
        guards, owned = FIND_GUARDS.run_only(conn), COUNT_OWNED.run_only(conn)
    chosen = choose_secret(guards, setting=setting, previous=previous, in_file=in_file)
    sources = {
        setting: "THUNDER_SECRET",
        guards.kept_secret: "generated, in the database",
        in_file: str(settings.thunder_data_dir / "secret"),
    }
    source = "none" if chosen.secret is None else sources[chosen.secret]
    return SecretStatus(chosen, source, guards, owned)


def describe_secret(found: SecretStatus) -> list[str]:
    """Return the lines to print."""
    guards, owned = found.guards, found.owned
    state = found.problem or "matches the database"
    if not found.problem and guards.fingerprint is None:
        state = "the database has not recorded a secret yet; the next server records it"
    elif found.chosen.is_new:
        state = "new; the next server begins the rotation"
    waiting = [f"waiting   {describe_waiting(owned)}"] if guards.previous_fingerprint else []
    return [
        f"secret    {found.source}",
        f"state     {state}",
        f"owners    {owned.owners:,}, with {count_of(owned.requests, 'request', 'requests')}",
        f"keys      {count_of(owned.keys, 'live key', 'live keys')} bound to an owner",
        f"links     {owned.links:,}",
        f"alerts    {owned.alerts:,}",
        *waiting,
    ]


def describe_waiting(owned: Owned) -> str:
    """Return how many owners still have the previous secret, and what to do."""
    if not owned.waiting:
        return "no owner; remove THUNDER_SECRET_PREVIOUS and start the servers again"
    owners, requests = (
        count_of(owned.waiting, "owner", "owners"),
        count_of(owned.waiting_requests, "request", "requests"),
    )
    return f"{owners} with {requests}; they move when the user's key is next used"


def describe_loss(found: SecretStatus) -> list[str]:
    """Return the lines that list what depends on the lost secret."""
    owned = found.owned
    if not found.chosen.problem:
        requests = count_of(owned.waiting_requests, "request", "requests")
        waiting = count_of(owned.waiting, "owner", "owners")
        return [f"{waiting} of the previous secret: their keys no longer open {requests}"] if owned.waiting else []
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
    owned = found.owned.model_dump()
    of_rotation = {name: owned.pop(name) for name in ("waiting", "waiting_requests")}
    orphaned = owned if found.chosen.problem else of_rotation if found.problem else {}
    with connect(reached.dsn) as conn, conn.transaction():
        REQUIRE_STAMP.run(conn, app_name=reached.settings.thunder_app_name)
        END_ROTATION.run(conn, gives_up=True)
        SET_FINGERPRINT.run(conn, fingerprint=fingerprint_of(secret))
        note(conn, Action.ACCEPT_SECRET, {"orphaned": orphaned})
