"""What chores.py runs in a container on Modal: the database of the environment's secret, migrated or looked at."""

from dataclasses import dataclass

from core.database.direct import find_direct_dsn
from core.database.migrations import read_stamp, read_status
from core.errors import InvalidInputError
from core.launch.confirm import describe_owner
from core.launch.database import answering, migrate_remote
from core.launch.environment import describe_database as name_database
from core.logs import configure_logging
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
    dsn, app_name = find_dsn(), Settings().thunder_app_name
    with answering(dsn):
        stamp, migrations = read_stamp(dsn), read_status(dsn)
    lines = [f"database  {name_database(dsn)}", f"owner     {describe_owner(stamp)}"]
    lines += [f"{'applied' if applied else 'pending'}  {name}" for name, applied in migrations]
    pending = sum(not applied for _, applied in migrations)
    if pending:
        return Description(lines, f"{pending} migrations are pending")
    if stamp is None or stamp.app_name != app_name:
        return Description(lines, f"it is not {app_name}'s, and is nobody else's to deploy on")
    return Description(lines, "")


def find_dsn() -> str:
    """The direct connection to the environment's database.

    Raises:
        InvalidInputError: there is no DATABASE_URL.
    """
    settings = Settings()
    configure_logging(settings.log_level)
    if settings.database_url is None:
        raise InvalidInputError("DATABASE_URL is not set")
    return find_direct_dsn(settings) or settings.database_url.get_secret_value()
