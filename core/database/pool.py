"""The connection pool, and the checks that each checkout makes. It works with Neon and its PgBouncer."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import psycopg
from psycopg import AsyncConnection
from psycopg_pool import PoolTimeout

from core.database.connection import (
    CHECK_TIMEOUT_S,
    CHECKOUT_TIMEOUT_S,
    CONNECT_TIMEOUT_S,
    RECONNECT_S,
    Pool,
    PooledConnection,
    configure,
)
from core.database.constraints import find_violation_error
from core.database.statements import FOREIGN, HOLD_STAMP, REQUIRE_STAMP, SET_TIMEOUT, SUPERSEDED
from core.database.transaction import transaction
from core.errors import InvalidInputError, ThunderError
from core.logging import DATABASE
from core.settings import Settings

log = logging.getLogger(DATABASE)

WORK_S = 30
"""How long a connection may be in use in addition to its statement timeout, in case the server hangs."""
MAX_IDLE_S = 120
"""Neon suspends an idle compute after five minutes and cuts its sockets. The pool closes idle ones earlier."""
MAX_LIFETIME_S = 1800
PREPARE_AFTER = 1
"""Executions after which a statement is prepared. Reads are nevertheless planned for the values of their filters."""
MAX_DEAD = 3
"""Dead connections that a write tries before it fails. All after the first are new."""

P = ParamSpec("P")
T = TypeVar("T")


class DatabaseUnavailableError(ThunderError):
    """Postgres does not answer, or has no free connection or disk space."""

    status = 503
    error_code = "DB_READ_FAILED"


class LostConnectionError(DatabaseUnavailableError):
    """A read lost its connection. A new connection may work."""


class TooSlowError(ThunderError):
    """A statement exceeded its timeout, which includes waiting for locks. The database is available."""

    status = 503
    error_code = "DB_READ_FAILED"


class NotConfiguredError(ThunderError):
    """DATABASE_URL is not set."""

    status = 503


class ForeignDatabaseError(ThunderError):
    """The database belongs to another app, or has no stamp yet; the message names the app and the remedy."""

    status = 503


@asynccontextmanager
async def open_pool(settings: Settings) -> AsyncIterator[Pool]:
    """Open the pool of a process. It connects on first use, so an unreachable database doesn't prevent the start."""
    if settings.database_url is None:
        raise NotConfiguredError("DATABASE_URL: not set; set it to the URL of a Postgres database")
    pool = Pool(
        settings.database_url.get_secret_value(),
        min_size=0,
        max_size=settings.database_pool_size,
        timeout=CHECKOUT_TIMEOUT_S,
        max_idle=MAX_IDLE_S,
        max_lifetime=MAX_LIFETIME_S,
        connection_class=PooledConnection,
        reconnect_timeout=RECONNECT_S,
        configure=configure,
        kwargs={
            "autocommit": True,
            "connect_timeout": CONNECT_TIMEOUT_S,
            "prepare_threshold": None,
            "application_name": settings.thunder_app_name,
        },
        open=False,
    )
    pool.app_name = settings.thunder_app_name
    await pool.open()
    try:
        yield pool
    finally:
        await pool.close()


@asynccontextmanager
async def checkout(pool: Pool) -> AsyncIterator[AsyncConnection]:
    """Check out a connection for reads, in autocommit mode and in a pipeline.

    The stamp is checked in the round trip of the first statement. The connection itself is not checked beforehand, so
    decorate a function that reads this way with `retry_read`.

    Raises:
        ForeignDatabaseError: the database belongs to another app.
        LostConnectionError: the connection was dead, or was cut before the read was complete.
        DatabaseUnavailableError: the database does not answer or cannot serve.
    """
    with _translated_errors():
        async with _lend(pool) as conn:
            try:
                async with _read(conn, app_name=pool.app_name):
                    yield conn
            except (psycopg.OperationalError, TimeoutError) as error:
                if conn.is_proven and (isinstance(error, TimeoutError) or not conn.closed):
                    raise
                await pool.give_up(conn)
                raise LostConnectionError("database: not reachable; try again") from None


@asynccontextmanager
async def checkout_transaction(
    pool: Pool, *, timeout_ms: int, holds_stamp: bool = True
) -> AsyncIterator[AsyncConnection]:
    """Check out a connection in a transaction for writes. The stamp is checked, and locked until the transaction ends.

    It takes two round trips if the block reads no result: a check that the connection is alive (because a write is not
    repeated), and the transaction. Reading results in the block costs one more.

    Args:
        pool: the database.
        timeout_ms: the timeout of each statement, which includes waiting for locks.
        holds_stamp: whether to keep the stamp unchanged. Two transactions that do so could not both change it.

    Raises:
        ForeignDatabaseError: the database belongs to another app. Nothing was written.
        DatabaseUnavailableError: the database does not answer or cannot serve.
    """
    with _translated_errors():
        async with (
            asyncio.timeout(WORK_S + timeout_ms / 1000),
            _lend_live(pool, holds_stamp) as conn,
            transaction(conn),
        ):
            if holds_stamp:
                await HOLD_STAMP.execute(conn, app_name=pool.app_name, milliseconds=timeout_ms)
            else:
                await SET_TIMEOUT.execute(conn, milliseconds=timeout_ms)
            yield conn


def retry_read(read: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, Coroutine[Any, Any, T]]:
    """Repeat a read once, on a new connection, if it lost its connection."""

    @wraps(read)
    async def run(*arguments: P.args, **named: P.kwargs) -> T:
        try:
            return await read(*arguments, **named)
        except LostConnectionError:
            return await read(*arguments, **named)

    return run


@retry_read
async def check_stamp(pool: Pool) -> None:
    """Check only the stamp, for a response that needs no other data from the database.

    Raises:
        ForeignDatabaseError: the database belongs to another app.
        DatabaseUnavailableError: the database does not answer or cannot serve.
    """
    async with checkout(pool):
        pass


@asynccontextmanager
async def _read(conn: PooledConnection, *, app_name: str) -> AsyncIterator[None]:
    """Send the check of the stamp first, and wait for its result only as long as a live connection takes."""
    now = asyncio.get_running_loop().time()
    conn.prepare_threshold = PREPARE_AFTER if conn.is_direct else None
    async with asyncio.timeout_at(now + CHECK_TIMEOUT_S) as deadline:
        async with conn.reading(lambda: deadline.reschedule(now + WORK_S)) as pipeline:
            await REQUIRE_STAMP.execute(conn, app_name=app_name)
            pipeline.ask_early()
            try:
                yield
            except ThunderError:
                if not conn.is_proven:  # a foreign database takes precedence over other errors
                    await pipeline.sync()
                raise


@asynccontextmanager
async def _lend_live(pool: Pool, holds_stamp: bool) -> AsyncIterator[PooledConnection]:  # noqa: FBT001 - as the caller's
    """Lend a connection that has just answered, and drop connections that don't.

    The stamp is checked here if the transaction does not hold it, and through a pooler, which would answer a
    sync even if Postgres does not.
    """
    for _ in range(MAX_DEAD):
        async with _lend(pool) as conn:
            conn.prepare_threshold = None  # outside a pipeline, preparing costs a round trip
            try:
                async with asyncio.timeout(CHECK_TIMEOUT_S):
                    if conn.is_direct and holds_stamp:
                        async with conn.pipeline():  # ends with a sync
                            pass
                    else:
                        await REQUIRE_STAMP.execute(conn, app_name=pool.app_name)
            except (psycopg.OperationalError, TimeoutError):
                await pool.give_up(conn)
                continue
            conn.prepare_threshold = PREPARE_AFTER if conn.is_direct else None
            yield conn
            return
    raise DatabaseUnavailableError("database: not reachable; try again")


@asynccontextmanager
async def _lend(pool: Pool) -> AsyncIterator[PooledConnection]:
    started = time.perf_counter()
    async with pool.connection() as conn:
        began = time.perf_counter()
        try:
            yield conn
        finally:
            if log.isEnabledFor(logging.DEBUG):
                taken = (1000 * (began - started), 1000 * (time.perf_counter() - began))
                log.debug("waited %.1f ms for a connection and used it for %.1f ms", *taken)


@contextmanager
def _translated_errors() -> Iterator[None]:
    try:
        yield
    except TimeoutError:
        raise DatabaseUnavailableError("database: did not answer in time; try again") from None
    except PoolTimeout:
        raise DatabaseUnavailableError("database: has no free connection, or does not answer; try again") from None
    except psycopg.Error as error:
        original = _find_original(error)
        # Thunder's own functions raise these two, so their message is complete.
        cause = None if original.sqlstate in {FOREIGN, SUPERSEDED} else error
        raise _translate(original) or original from cause


def _find_original(error: psycopg.Error) -> psycopg.Error:
    """Return the error that aborted the pipeline, if this one only reports that the pipeline was aborted."""
    while isinstance(error, psycopg.errors.PipelineAborted) and isinstance(error.__context__, psycopg.Error):
        error = error.__context__
    return error


def _translate(error: psycopg.Error) -> ThunderError | None:  # noqa: C901, PLR0911 - a table
    match error:
        case psycopg.Error(sqlstate=state) if state == FOREIGN:
            return ForeignDatabaseError(error.diag.message_primary)
        case psycopg.Error(sqlstate=state) if state == SUPERSEDED:
            return DatabaseUnavailableError(error.diag.message_primary)
        case psycopg.errors.UndefinedTable() | psycopg.errors.UndefinedColumn() | psycopg.errors.UndefinedFunction():
            return DatabaseUnavailableError("database: not migrated; run `manage.py migrate`")
        case psycopg.errors.QueryCanceled():
            return TooSlowError("database: took too long to answer; try again, or request less")
        case psycopg.IntegrityError():
            return find_violation_error(error)
        case psycopg.errors.DiskFull():
            return DatabaseUnavailableError("database: its disk is full; free some space")
        case psycopg.errors.TooManyConnections():
            return DatabaseUnavailableError("database: accepts no more connections; try again")
        case psycopg.errors.ProgramLimitExceeded():
            return InvalidInputError("body: a value is too large for the database; send a smaller one")
        case psycopg.errors.DeadlockDetected() | psycopg.errors.SerializationFailure():
            return DatabaseUnavailableError("database: another request changed the same rows; try again")
        case psycopg.OperationalError():
            return DatabaseUnavailableError("database: not reachable; try again")
        case _:
            return None
