"""The pool of connections, by the rules that Neon and its PgBouncer set (shared/DESIGN.md, "Environments")."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import psycopg
from psycopg import AsyncConnection
from psycopg_pool import PoolTimeout

from core.database.connection import CHECKOUT_TIMEOUT_S, RECONNECT_S, CheckedConnection, Pool, configure
from core.database.statements import FOREIGN, hold_owner, set_timeout
from core.database.transaction import transaction
from core.errors import InvalidInputError, ThunderError
from core.logs import DATABASE
from core.settings import Settings

log = logging.getLogger(DATABASE)

CONNECT_TIMEOUT_S = 10
WORK_S = 30
"""How long a connection may be in use beyond what its statements are allowed: a server that hangs must not hang us."""
MAX_IDLE_S = 120
"""Neon suspends a compute after five idle minutes and cuts its sockets; ours are gone before."""
MAX_LIFETIME_S = 1800


class DatabaseUnavailableError(ThunderError):
    """Postgres does not answer, or has no room for us."""

    status = 503


class TooSlowError(ThunderError):
    """A statement took longer than it may, waiting for others included; the database is there."""

    status = 503


class NotConfiguredError(ThunderError):
    """There is no DATABASE_URL."""

    status = 503


class ForeignDatabaseError(ThunderError):
    """The database belongs to another app, or to none yet; the sentence says whose it is and what to do."""

    status = 503


@asynccontextmanager
async def open_pool(settings: Settings) -> AsyncIterator[Pool]:
    """A pool for the life of a process. It connects when first used: an unreachable database doesn't stop the start."""
    if settings.database_url is None:
        raise NotConfiguredError("DATABASE_URL is not set")

    async def check(conn: CheckedConnection) -> None:
        await pool.check_out(conn)

    pool = Pool(
        settings.database_url.get_secret_value(),
        name=settings.thunder_app_name,
        min_size=0,
        max_size=settings.database_pool_size,
        timeout=CHECKOUT_TIMEOUT_S,
        max_idle=MAX_IDLE_S,
        max_lifetime=MAX_LIFETIME_S,
        connection_class=CheckedConnection,
        reconnect_timeout=RECONNECT_S,
        check=check,
        configure=configure,
        kwargs={
            "autocommit": True,
            "connect_timeout": CONNECT_TIMEOUT_S,
            "prepare_threshold": settings.database_prepare_threshold,
            "application_name": settings.thunder_app_name,
        },
        open=False,
    )
    await pool.open()
    try:
        yield pool
    finally:
        await pool.close()


@asynccontextmanager
async def checkout(pool: Pool) -> AsyncIterator[AsyncConnection]:
    """One connection, in autocommit mode, to a database that is ours.

    Raises:
        ForeignDatabaseError: the database belongs to another app.
        DatabaseUnavailableError: something is wrong with the database itself.
    """
    async with _open(pool, seconds=WORK_S) as conn:
        yield conn


@asynccontextmanager
async def checkout_transaction(pool: Pool, *, timeout_ms: int) -> AsyncIterator[AsyncConnection]:
    """One connection in a transaction that writes: the owner is checked in it again, and cannot change until it ends.

    Two round trips if the block reads no result before its last statement: the whole, and the commit.

    Args:
        pool: the database.
        timeout_ms: what each statement may take, waiting for locks included.

    Raises:
        ForeignDatabaseError: the database belongs to another app. Nothing was written.
        DatabaseUnavailableError: something is wrong with the database itself.
    """
    async with _open(pool, seconds=WORK_S + timeout_ms / 1000) as conn, transaction(conn):
        await set_timeout(conn, milliseconds=timeout_ms)
        await hold_owner(conn, app_name=pool.name)
        yield conn


async def check_owner(pool: Pool) -> None:
    """Check the owner alone, for an answer that takes nothing else from the database.

    Raises:
        ForeignDatabaseError: the database belongs to another app.
        DatabaseUnavailableError: something is wrong with the database itself.
    """
    async with checkout(pool):
        pass


@asynccontextmanager
async def _open(pool: Pool, *, seconds: float) -> AsyncIterator[AsyncConnection]:
    with _translated_errors():
        asked = time.perf_counter()
        async with asyncio.timeout(seconds), pool.connection() as conn:
            if conn.refusal is not None:
                raise conn.refusal
            began = time.perf_counter()
            try:
                yield conn
            finally:
                if log.isEnabledFor(logging.DEBUG):
                    taken = (1000 * (began - asked), 1000 * (time.perf_counter() - began))
                    log.debug("waited %.1f ms for a connection and used it for %.1f ms", *taken)


@contextmanager
def _translated_errors() -> Iterator[None]:
    try:
        yield
    except TimeoutError:
        raise DatabaseUnavailableError("the database did not answer in time") from None
    except PoolTimeout:
        raise DatabaseUnavailableError("the database has no free connection, or does not answer") from None
    except psycopg.Error as error:
        original = _find_original(error)
        raise _translate(original) or original from error


def _find_original(error: psycopg.Error) -> psycopg.Error:
    """What aborted the pipeline, if this only says that something did: leaving the block may meet that second."""
    while isinstance(error, psycopg.errors.PipelineAborted) and isinstance(error.__context__, psycopg.Error):
        error = error.__context__
    return error


def _translate(error: psycopg.Error) -> ThunderError | None:  # noqa: PLR0911 - a table
    match error:
        case psycopg.Error(sqlstate=state) if state == FOREIGN:
            return ForeignDatabaseError(error.diag.message_primary)
        case psycopg.errors.UndefinedTable() | psycopg.errors.UndefinedColumn() | psycopg.errors.UndefinedFunction():
            return DatabaseUnavailableError("the database is not migrated: run `manage.py migrate`")
        case psycopg.errors.QueryCanceled():
            return TooSlowError("the database took too long for this")
        case psycopg.errors.DiskFull():
            return DatabaseUnavailableError("the database's disk is full")
        case psycopg.errors.TooManyConnections():
            return DatabaseUnavailableError("the database has no room for another connection")
        case psycopg.errors.ProgramLimitExceeded():
            return InvalidInputError("something in it is larger than the database can hold")
        case psycopg.OperationalError():
            return DatabaseUnavailableError("the database is not reachable")
        case _:
            return None
