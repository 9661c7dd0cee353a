"""The pool checks the stamp of the database at each checkout."""

import asyncio
from types import SimpleNamespace

import psycopg
import pytest

from core.database import statements
from core.database.migrations import (
    LATEST_VERSION,
    adopt,
)
from core.database.pool import (
    DatabaseUnavailableError,
    ForeignDatabaseError,
    LostConnectionError,
    check_stamp,
    checkout,
    checkout_transaction,
    open_pool,
)
from tests.support.stamps import OURS, SENTENCE, THEIRS, catches, make_settings


def test_reads_do_not_wait_for_an_adopt(database_url: str) -> None:
    with psycopg.connect(database_url) as adopting, psycopg.connect(database_url) as reader:
        adopting.execute("update environment set app_name = %s", [THEIRS])
        reader.execute("set local statement_timeout = '5s'")
        statements.REQUIRE_STAMP.run(reader, app_name=OURS)
        adopting.rollback()


def test_a_rejection_leaves_the_pooled_connection_usable(database_url: str) -> None:
    async def run() -> None:
        async with open_pool(make_settings(database_url, THEIRS)) as pool:
            with catches(ForeignDatabaseError, SENTENCE):
                await check_stamp(pool)
            with catches(ForeignDatabaseError, SENTENCE):
                async with checkout(pool) as conn:
                    await statements.PING.fetch_only(conn)
            with catches(ForeignDatabaseError, SENTENCE):
                async with checkout_transaction(pool, timeout_ms=1000) as conn:
                    await conn.execute("insert into mods (name) values ('void')")
            with catches(ForeignDatabaseError, SENTENCE):
                async with checkout_transaction(pool, timeout_ms=1000) as conn:
                    await conn.execute("insert into mods (name) values ('void')")
                    await (await conn.execute("select 1")).fetchone()
            with catches(ForeignDatabaseError, SENTENCE):
                async with checkout(pool) as conn:
                    await conn.execute("insert into mods (name) values ('void')")
            adopt(database_url, app_name=THEIRS)
            async with checkout(pool) as conn:
                assert await (await conn.execute("select count(*) from mods")).fetchone() == (0,)
            assert pool.get_stats()["connections_num"] == 1

    asyncio.run(run())


def test_a_failed_statement_in_a_pipeline_raises_its_own_error(database_url: str) -> None:
    async def run() -> None:
        async with open_pool(make_settings(database_url, OURS)) as pool:
            for block in (checkout(pool), checkout_transaction(pool, timeout_ms=1000)):
                with catches(psycopg.errors.DivisionByZero, "division by zero"):
                    async with block as conn:
                        broken = await conn.execute("select 1 / 0")
                        await conn.execute("select 1")
                        await broken.fetchone()
            for block in (checkout(pool), checkout_transaction(pool, timeout_ms=1000)):
                with catches(DatabaseUnavailableError, "not migrated"):
                    async with block as conn:
                        await conn.execute("select 1 from no_such_table")
                        await (await conn.execute("select 1")).fetchone()
            async with checkout(pool) as conn:
                assert await statements.PING.fetch_only(conn) == LATEST_VERSION
            assert pool.get_stats()["connections_num"] == 1

    asyncio.run(run())


def test_the_stamp_is_checked_in_the_transaction_of_the_write(database_url: str, sql: psycopg.Connection) -> None:
    """The database is adopted after the connection was checked out and before the transaction writes."""

    async def run() -> None:
        async with (
            open_pool(make_settings(database_url, OURS)) as pool,
            checkout_transaction(pool, timeout_ms=1000) as conn,
        ):
            await conn.execute("insert into mods (name) values ('void')")

    original = statements.HOLD_STAMP

    async def change_hands_first(conn: psycopg.AsyncConnection, *, app_name: str, milliseconds: int) -> None:
        adopt(database_url, app_name=THEIRS)
        await original.execute(conn, app_name=app_name, milliseconds=milliseconds)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("core.database.pool.HOLD_STAMP", SimpleNamespace(execute=change_hands_first))
        with catches(ForeignDatabaseError, f"belongs to {THEIRS}; this app is {OURS}"):
            asyncio.run(run())
    assert sql.execute("select count(*) from mods").fetchone() == (0,)


def test_a_dead_connection_is_replaced(database_url: str, sql: psycopg.Connection) -> None:
    async def run() -> None:
        async with open_pool(make_settings(database_url, OURS)) as pool:
            async with checkout(pool) as conn:
                (pid,) = await (await conn.execute("select pg_backend_pid()")).fetchone() or (0,)
            sql.execute("select pg_terminate_backend(%s, 5000)", [pid])
            with pytest.raises(LostConnectionError):
                async with checkout(pool) as conn:
                    await statements.PING.fetch_only(conn)
            await check_stamp(pool)
            async with checkout(pool) as conn:
                assert await statements.PING.fetch_only(conn) == LATEST_VERSION

    asyncio.run(run())
