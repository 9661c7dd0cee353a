"""Health checks that answer before a probe times out."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from datetime import datetime
from typing import Any, Literal, TypeVar

from psycopg import AsyncConnection
from pydantic import Field

from core.database.migrations import LATEST_VERSION
from core.database.pool import DatabaseUnavailableError, NotConfiguredError, Pool, checkout, retry_read
from core.database.statements import FIND_NEWEST, PING
from core.errors import ThunderError
from core.wire.models import Frozen

T = TypeVar("T")

DEADLINE_S = 2.5
"""The time limit of a health check. Probes time out after three seconds."""


class DatabaseHealth(Frozen):
    """The state of the database, as a probe reads it."""

    status: Literal["ok", "error"]
    error: str | None = None
    schema_version: int | None = None


class HealthReport(Frozen):
    """The answer of /health."""

    status: Literal["ok", "degraded"]
    app: str
    version: str
    commit: str | None
    """The commit of the code; None if it was not deployed from a git checkout."""
    deployment: str | None
    """The id of the deployment on Modal; None elsewhere."""
    database: DatabaseHealth
    warnings: list[str] = Field(default_factory=list[str])
    """Problems of the settings that don't prevent answers, each with the remedy."""


async def check_health(  # noqa: PLR0913 - the fields of the report
    pool: Pool | None,
    *,
    app: str,
    version: str,
    commit: str | None,
    deployment: str | None,
    warnings: list[str],
    find_warnings: Callable[[AsyncConnection], Awaitable[list[str]]],
) -> HealthReport:
    """Check the database with two small queries.

    Args:
        pool: the database.
        app: the name of the app.
        version: the version of the code.
        commit: the commit of the code.
        deployment: the id of the deployment.
        warnings: the warnings if the database doesn't answer.
        find_warnings: finds the warnings if the database answers and is migrated.
    """
    try:
        found, database = await ask_in_time(_ask(pool, find_warnings))
        warnings = warnings if found is None else found
    except ThunderError as error:
        database = DatabaseHealth(status="error", error=str(error))
    status = "ok" if database.status == "ok" else "degraded"
    return HealthReport(
        status=status,
        app=app,
        version=version,
        commit=commit,
        deployment=deployment,
        database=database,
        warnings=warnings,
    )


async def ask_in_time(question: Coroutine[Any, Any, T]) -> T:
    """Await a query, but no longer than a probe waits.

    Raises:
        DatabaseUnavailableError: there was no result within DEADLINE_S.
    """
    task = asyncio.ensure_future(question)
    done, _ = await asyncio.wait({task}, timeout=DEADLINE_S)
    if not done:
        # The cancellation is not awaited: for a server that hangs, psycopg takes up to five seconds.
        task.cancel()
        task.add_done_callback(lambda future: future.cancelled() or future.exception())
        raise DatabaseUnavailableError(f"database: did not answer within {DEADLINE_S} s; try again")
    return task.result()


@retry_read
async def read_newest(pool: Pool) -> datetime | None:
    """Return the time at which the newest trace was stored, by any process; None if there are no traces.

    Raises:
        DatabaseUnavailableError: the database does not answer.
    """
    async with checkout(pool) as conn:
        return await FIND_NEWEST.fetch_one(conn)


@retry_read
async def _ask(
    pool: Pool | None, find_warnings: Callable[[AsyncConnection], Awaitable[list[str]]]
) -> tuple[list[str] | None, DatabaseHealth]:
    """Return the state of the database, and the warnings unless it is not migrated."""
    if pool is None:
        raise NotConfiguredError("DATABASE_URL: not set; set it to the URL of a Postgres database")
    async with checkout(pool) as conn:
        version = await PING.fetch_only(conn)
        if version < LATEST_VERSION:  # newer is fine: migrations only add, and old code serves during a deploy
            sentence = f"the schema is at version {version}, not {LATEST_VERSION}; run `manage.py migrate`"
            return None, DatabaseHealth(status="error", error=sentence, schema_version=version)
        return await find_warnings(conn), DatabaseHealth(status="ok", schema_version=version)
