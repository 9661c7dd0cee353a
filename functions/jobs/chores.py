"""The functions that chores.py runs in a container on Modal, on the database of the environment."""

from dataclasses import dataclass

from core.access.bootstrap import create_first_admin
from core.access.secret import ChosenSecret, choose_secret, list_left_over
from core.access.store import Guards
from core.cli.status import describe_status, read_database_status
from core.database.direct import find_session_dsn
from core.database.pool import NotConfiguredError
from core.local.admin import run_as_admin
from core.local.connection import read_guards
from core.local.database import migrate_remote
from core.local.environment import InvalidSettingError, load_settings
from core.logging import configure_logging
from core.settings import Settings

TIMEOUT_S = 900


@dataclass(frozen=True, slots=True)
class Description:
    """The status of a database.

    Attributes:
        lines: the output of `manage.py status`.
        problem: the reason why an app should not be deployed on the database, or an empty string.
    """

    lines: list[str]
    problem: str

    @property
    def is_ready(self) -> bool:
        """Whether the database is migrated and belongs to this app."""
        return not self.problem


def migrate_database() -> list[str]:
    """Apply pending migrations and return lines to print. A new database is stamped with THUNDER_APP_NAME."""
    settings = load_settings()
    applied = migrate_remote(find_dsn(settings), app_name=settings.thunder_app_name)
    return [*(f"applied {name}" for name in applied), f"{len(applied)} applied" if applied else "nothing to apply"]


def describe_database() -> Description:
    """Return the status of the database, and whether it and the settings are ready for a deploy."""
    try:
        settings = load_settings()
    except InvalidSettingError as error:
        return Description([], str(error))
    status, app_name = read_database_status(find_dsn(settings)), settings.thunder_app_name
    problem, warnings = "", list[str]()
    if status.pending:
        problem = f"{len(status.pending)} migrations are pending"
    elif status.stamp is None or status.stamp.app_name != app_name:
        problem = f"the database does not belong to {app_name}"
    else:
        guards, chosen = _choose_secret(settings)
        problem, warnings = chosen.problem, list_left_over(guards, chosen)
    return Description([*describe_status(status), *(f"warning   {one}" for one in warnings)], problem)


def needs_admin_key() -> bool:
    """Return whether THUNDER_ADMIN_KEY is not set, and the database has no live admin key."""
    settings = load_settings()
    dsn = find_dsn(settings)
    return settings.thunder_admin_key is None and not read_guards(dsn).admin_keys


def create_admin_key() -> str | None:
    """Create the first admin key and return it; None if THUNDER_ADMIN_KEY is set, or the database has an admin key."""
    settings = load_settings()
    find_dsn(settings)
    if settings.thunder_admin_key is not None:
        return None
    made = run_as_admin(settings, create_first_admin)
    return made.api_key if made else None


def _choose_secret(settings: Settings) -> tuple[Guards, ChosenSecret]:
    guards = read_guards(find_dsn(settings))
    setting, previous = settings.secret, settings.previous_secret
    return guards, choose_secret(guards, setting=setting, previous=previous)


def find_dsn(settings: Settings) -> str:
    """Return the DSN of the direct connection to the environment's database.

    Raises:
        NotConfiguredError: DATABASE_URL is not set.
    """
    configure_logging(settings.log_level)
    dsn = find_session_dsn(settings)
    if dsn is None:
        raise NotConfiguredError("DATABASE_URL: not set; set it to the URL of a Postgres database")
    return dsn
