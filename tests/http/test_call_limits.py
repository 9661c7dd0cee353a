"""Limits of calls per key and per address, counted in the database by all processes."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from core.access.access import Access
from core.access.caller import Scope
from core.access.keys import NewKey, create_key
from core.access.limits import CallLimit, TooManyCallsError, count_call
from core.access.turns import client_address
from core.database.pool import open_pool
from core.settings import Settings
from tests.support.keys import ADMIN_KEY, SECRET

LIMIT = CallLimit("test", per_key=3, per_address=5)


@contextmanager
def at(address: str) -> Iterator[None]:
    token = client_address.set(address)
    yield
    client_address.reset(token)


async def call(access: Access, key: str | None, address: str, limit: CallLimit = LIMIT) -> bool:
    """Count a call, and return whether it is within the limits."""
    with at(address):
        try:
            async with access.session(key, Scope.CURATE, public=True) as session:
                await count_call(session, limit)
        except TooManyCallsError:
            return False
    return True


@pytest.fixture
def access_of(database_url: str) -> "type[Processes]":
    Processes.url = database_url
    return Processes


class Processes:
    """Two processes with one database."""

    url = ""

    async def __aenter__(self) -> tuple[Access, Access]:
        settings = Settings(database_url=self.url, database_pool_size=4)
        self.pools = [open_pool(settings), open_pool(settings)]
        first, second = [Access(await pool.__aenter__(), ADMIN_KEY, SECRET) for pool in self.pools]
        return first, second

    async def __aexit__(self, *_: object) -> None:
        for pool in self.pools:
            await pool.__aexit__(None, None, None)


def test_each_key_and_each_address_has_its_calls(access_of: type[Processes]) -> None:
    async def run() -> None:
        async with access_of() as (one, other):
            keys = [(await create_key(one, ADMIN_KEY, NewKey(name=name))).api_key for name in "abc"]
            taken = [await call(process, keys[0], "10.0.0.1") for process in (one, other, one, other)]
            assert taken == [True, True, True, False]
            assert not await call(one, keys[0], "10.0.0.2")
            # A refused call does not count, so two of the address's five are left.
            taken = [await call(other, key, "10.0.0.1") for key in (keys[1], None, keys[2])]
            assert taken == [True, True, False]
            assert await call(one, keys[2], "10.0.0.3")
            assert await call(one, None, "10.0.0.1", LIMIT._replace(action="another"))

    asyncio.run(run())


def test_calls_at_the_same_time_are_all_counted(access_of: type[Processes]) -> None:
    async def run() -> None:
        async with access_of() as (one, other):
            key = (await create_key(one, ADMIN_KEY, NewKey(name="a"))).api_key
            calls = [call(process, key, f"10.0.0.{number % 4}") for number in range(8) for process in (one, other)]
            assert sum(await asyncio.gather(*calls)) == LIMIT.per_key

    asyncio.run(run())


def test_the_window_slides(access_of: type[Processes], sql: psycopg.Connection) -> None:
    age = "update call_counts set called_at = array(select c - interval '35 s' from unnest(called_at) as u (c))"

    async def run() -> None:
        async with access_of() as (one, _):
            assert [await call(one, None, "10.0.0.1") for _ in range(2)] == [True, True]
            sql.execute(age)
            assert [await call(one, None, "10.0.0.1") for _ in range(4)] == [True, True, True, False]
            sql.execute(age)
            assert [await call(one, None, "10.0.0.1") for _ in range(3)] == [True, True, False]

    asyncio.run(run())


def test_rows_without_recent_calls_are_deleted_and_name_nobody(
    access_of: type[Processes], sql: psycopg.Connection
) -> None:
    async def run() -> None:
        async with access_of() as (one, _):
            for number in range(10):
                await call(one, None, f"10.0.0.{number}")
            assert "10.0.0" not in str(sql.execute("select call_counts::text from call_counts").fetchall())
            sql.execute("update call_counts set expires_at = now() - interval '1 s'")
            await call(one, None, "10.0.1.1")
            assert sql.execute("select cardinality(called_at) from call_counts").fetchall() == [(1,)]

    asyncio.run(run())
