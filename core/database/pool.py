"""The pool of connections, by the rules that Neon and its PgBouncer set (shared/DESIGN.md, "Environments")."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from core.database.arrays import register_arrays
from core.errors import ThunderError
from core.settings import Settings

CONNECT_TIMEOUT_S = 10
CHECKOUT_TIMEOUT_S = 10
"""How long a request waits for a free connection."""
MAX_IDLE_S = 120
"""Neon suspends a compute after five idle minutes and cuts its sockets; ours are gone before."""
MAX_LIFETIME_S = 1800

Pool = AsyncConnectionPool[AsyncConnection]


class DatabaseUnavailableError(ThunderError):
    """Postgres does not answer, or has no room for us."""

    status = 503


class NotConfiguredError(ThunderError):
    """There is no DATABASE_URL."""

    status = 503


@asynccontextmanager
async def open_pool(settings: Settings) -> AsyncIterator[Pool]:
    """A pool for the life of a process. It connects when first used: an unreachable database doesn't stop the start."""
    if settings.database_url is None:
        raise NotConfiguredError("DATABASE_URL is not set")
    pool: Pool = AsyncConnectionPool(
        settings.database_url.get_secret_value(),
        min_size=0,
        max_size=settings.database_pool_size,
        timeout=CHECKOUT_TIMEOUT_S,
        max_idle=MAX_IDLE_S,
        max_lifetime=MAX_LIFETIME_S,
        check=AsyncConnectionPool.check_connection,
        configure=_configure,
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


async def _configure(conn: AsyncConnection) -> None:
    register_arrays(conn)


@asynccontextmanager
async def checkout(pool: Pool) -> AsyncIterator[AsyncConnection]:
    """One connection; what goes wrong with the database itself becomes a DatabaseUnavailableError."""
    try:
        async with pool.connection() as conn:
            yield conn
    except PoolTimeout:
        raise DatabaseUnavailableError("the database has no free connection, or does not answer") from None
    except (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn) as error:
        raise DatabaseUnavailableError("the database is not migrated: run `manage.py migrate`") from error
    except psycopg.OperationalError as error:
        raise DatabaseUnavailableError("the database is not reachable") from error
