"""What chores.py runs in a container on Modal: the database of the environment's secret, migrated or looked at."""

from dataclasses import dataclass

from core.cli.status import describe_status, read_database_status
from core.database.direct import find_session_dsn
from core.database.pool import NotConfiguredError
from core.local.database import migrate_remote
from core.logging import configure_logging
from core.settings import Settings

TIMEOUT_S = 900


@dataclass(frozen=True, slots=True)
class Description:
    """Whose a database is and what it lacks, in lines for people.

    Attributes:
        lines: what `manage.py status` prints.
        problem: why an app should not be deployed on it; empty if nothing is wrong.
    """

    lines: list[str]
    problem: str

    @property
    def is_ready(self) -> bool:
        """Whether it is migrated and this app's."""
        return not self.problem


def migrate_database() -> list[str]:
    """Apply the migrations that the database lacks; a new one becomes THUNDER_APP_NAME's. Returns lines to print."""
    app_name = Settings().thunder_app_name
    applied = migrate_remote(find_dsn(), app_name=app_name)
    return [*(f"applied {name}" for name in applied), f"{len(applied)} applied" if applied else "nothing to apply"]


def describe_database() -> Description:
    """Whose the database is, and which migrations it has."""
    status, app_name = read_database_status(find_dsn()), Settings().thunder_app_name
    problem = ""
    if status.pending:
        problem = f"{len(status.pending)} migrations are pending"
    elif status.stamp is None or status.stamp.app_name != app_name:
        problem = f"it is not {app_name}'s"
    return Description(describe_status(status), problem)


def find_dsn() -> str:
    """The direct connection to the environment's database.

    Raises:
        NotConfiguredError: there is no DATABASE_URL.
    """
    settings = Settings()
    configure_logging(settings.log_level)
    dsn = find_session_dsn(settings)
    if dsn is None:
        raise NotConfiguredError("DATABASE_URL is not set")
    return dsn
