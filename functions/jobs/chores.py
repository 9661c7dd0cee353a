"""The functions that chores.py runs in a container on Modal, on the database of the environment."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import TypeVar

from core.access.bootstrap import create_first_admin
from core.access.secret import choose_secret, list_left_over
from core.cli.failures import describe_failure, wants_traceback
from core.cli.status import Status, describe_status, read_database_status
from core.database.direct import TWO_DATABASES, find_session_dsn
from core.database.migrations import PENDING, check_applied, read_stamp, require_app
from core.database.pool import NotConfiguredError
from core.database.statements import REQUIRE_STAMP
from core.deploy.capacity import describe_pool
from core.errors import ThunderError
from core.local.admin import run_as_admin
from core.local.connection import connect, read_guards
from core.local.database import answering, migrate_remote, require_answer
from core.local.environment import describe_database as name_database
from core.local.environment import load_settings
from core.logging import configure_logging
from core.settings import Settings

TIMEOUT_S = 900

T = TypeVar("T")


class NotReadyError(ThunderError):
    """An app should not be deployed on the database."""


@dataclass(frozen=True, slots=True)
class Failure:
    """The error of a chore in one sentence. It is returned, because Modal prints a traceback around an exception."""

    sentence: str


@dataclass(frozen=True, slots=True)
class Description:
    """The status of a database.

    Attributes:
        lines: the output of `manage.py status`, and the connections of a container.
        problem: the reason why an app should not be deployed on the database, or an empty string.
    """

    lines: list[str]
    problem: str


@dataclass(frozen=True, slots=True)
class Environment:
    """The settings of a container, DATABASE_URL and the DSN of a direct connection."""

    settings: Settings
    pooled: str
    direct: str


def returning_failures(chore: Callable[[], T]) -> Callable[[], T | Failure]:
    """Make a chore return its error. With LOG_LEVEL=debug, a bug is raised."""

    @wraps(chore)
    def run() -> T | Failure:
        try:
            return chore()
        except (ThunderError, OSError) as error:
            return Failure(_fit(str(error)))
        except Exception as error:
            if wants_traceback():
                raise
            return Failure(describe_failure(error))

    return run


@returning_failures
def migrate_database() -> list[str]:
    """Apply pending migrations and return lines to print. A new database is stamped with THUNDER_APP_NAME."""
    here = open_environment()
    applied = migrate_remote(here.direct, app_name=here.settings.thunder_app_name)
    return [*(f"applied {name}" for name in applied), f"{len(applied)} applied" if applied else "nothing to apply"]


@returning_failures
def describe_database() -> Description:
    """Return the status of the database, and whether it and the settings are ready for a deploy."""
    here = open_environment()
    status = read_database_status(here.direct)
    lines = [*describe_status(status), describe_pool(here.settings.database_pool_size)]
    try:
        return Description([*lines, *_examine(here, status)], "")
    except ThunderError as error:
        return Description(lines, _fit(str(error)))


@returning_failures
def needs_admin_key() -> bool:
    """Return whether THUNDER_ADMIN_KEY is not set, and the database has no live admin key."""
    here = open_environment()
    return here.settings.thunder_admin_key is None and not read_guards(here.direct).admin_keys


@returning_failures
def create_admin_key() -> str | None:
    """Create the first admin key and return it; None if THUNDER_ADMIN_KEY is set, or the database has an admin key."""
    here = open_environment()
    if here.settings.thunder_admin_key is not None:
        return None
    require_answer(here.pooled)
    made = run_as_admin(here.settings, create_first_admin)
    return made.api_key if made else None


def open_environment() -> Environment:
    """Read the settings of the container.

    Raises:
        InvalidSettingError: a setting is not valid.
        NotConfiguredError: DATABASE_URL is not set.
    """
    settings = load_settings()
    configure_logging(settings.log_level)
    if settings.database_url is None:
        raise NotConfiguredError("DATABASE_URL: not set; set it to the URL of a Postgres database")
    pooled = settings.database_url.get_secret_value()
    name_database(pooled)
    direct = find_session_dsn(settings) or pooled
    name_database(direct)
    return Environment(settings, pooled, direct)


def _examine(here: Environment, status: Status) -> list[str]:
    """Return warnings about a database that is ready for a deploy.

    Raises:
        ThunderError: it is not ready; the message has the reason.
    """
    settings = here.settings
    if status.stamp is not None:
        require_app(status.stamp, settings.thunder_app_name)
    check_applied(here.direct)
    with answering(here.pooled):
        if read_stamp(here.pooled) != status.stamp:
            raise NotReadyError(TWO_DATABASES)
    if status.pending:
        raise NotReadyError(f"database: {PENDING} ({len(status.pending)}); run `manage.py migrate`")
    with connect(here.direct) as conn:
        REQUIRE_STAMP.run(conn, app_name=settings.thunder_app_name)
    guards = read_guards(here.direct)
    chosen = choose_secret(guards, setting=settings.secret, previous=settings.previous_secret)
    if chosen.problem:
        raise NotReadyError(chosen.problem)
    return [f"warning   {one}" for one in list_left_over(guards, chosen)]


def _fit(sentence: str) -> str:
    """Replace the advice to run a command that needs the DSN with the command for Modal."""
    return sentence.replace("`manage.py migrate`", "`modal run chores.py::migrate`")
