"""Slow statements and large bodies of one owner leave half of the process to the other owners."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from fastapi import FastAPI

from core.access import admission
from core.access.turns import Account, Turns
from functions.web.context import Context
from functions.web.lifespan import open_context
from tests.support.client import Client, make_key
from tests.support.databases import Databases
from tests.support.keys import ADMIN_KEY, SECRET
from tests.support.posts import post
from tests.support.servers import Serve

USER, OTHER = "key-of-the-first-user", "key-of-the-second-user"
POOL_SIZE = 4
REQUESTS = 12
WAIT_S = 20
BLOCKED = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"


def count_blocked(conn: psycopg.Connection) -> int:
    conn.execute("select pg_stat_clear_snapshot()")
    row = conn.execute(BLOCKED).fetchone()
    return 0 if row is None else int(row[0])


@pytest.fixture
def pooled(serve: Serve, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Client:
    """A server whose requests wait for their share as long as the test needs, however busy the machine is."""
    monkeypatch.setattr(admission, "CHECKOUT_TIMEOUT_S", 2 * WAIT_S)
    return serve(
        DATABASE_URL=database_url,
        THUNDER_ADMIN_KEY=ADMIN_KEY,
        THUNDER_SECRET=SECRET,
        DATABASE_POOL_SIZE=str(POOL_SIZE),
    )


@pytest.mark.parametrize("is_known", [True, False], ids=["known key", "new key"])
def test_slow_statements_of_one_owner_use_half_of_the_pool(
    pooled: Client, sql: psycopg.Connection, databases: Databases, database_url: str, *, is_known: bool
) -> None:
    post(pooled, "mine", user=USER)
    post(pooled, "theirs", user=OTHER)
    keys = [USER, make_key(pooled, name="k", allowed_api_key=USER)["api_key"]]
    if is_known:
        for key in keys:
            assert pooled.request("GET", "/logs", x_api_key=key).status == 200
    with ThreadPoolExecutor(REQUESTS) as threads, psycopg.connect(databases.reach(database_url)) as lock:
        lock.execute("lock table outcomes in access exclusive mode")
        slow = [
            threads.submit(pooled.request, "GET", "/logs/mine/outcome", x_api_key=keys[number % 2])
            for number in range(REQUESTS)
        ]
        deadline = time.monotonic() + WAIT_S
        while count_blocked(sql) < POOL_SIZE // 2:
            assert time.monotonic() < deadline
        for key in (OTHER, ADMIN_KEY):
            assert pooled.request("GET", "/logs", x_api_key=key).status == 200
        assert count_blocked(sql) == POOL_SIZE // 2
        lock.rollback()
        assert {one.result(WAIT_S).status for one in slow} == {200}


@pytest.mark.parametrize("path", ["/logs", "/auth/me"])
def test_wrong_keys_of_one_address_use_half_of_the_pool(
    pooled: Client, sql: psycopg.Connection, databases: Databases, database_url: str, path: str
) -> None:
    # The first use of the secret in a process looks up keys, one request at a time.
    assert pooled.request("GET", "/logs", x_api_key=ADMIN_KEY).status == 200
    with ThreadPoolExecutor(REQUESTS) as threads, psycopg.connect(databases.reach(database_url)) as lock:
        lock.execute("lock table api_keys in access exclusive mode")
        wrong = [
            threads.submit(pooled.request, "GET", path, x_api_key="a-wrong-key-that-is-repeated")
            for _ in range(REQUESTS)
        ]
        deadline = time.monotonic() + WAIT_S
        while count_blocked(sql) < POOL_SIZE // 2:
            assert time.monotonic() < deadline
        assert pooled.request("GET", "/logs", x_api_key=ADMIN_KEY).status == 200
        assert count_blocked(sql) == POOL_SIZE // 2
        lock.rollback()
        assert {one.result(WAIT_S).status for one in wrong} == {401}


def test_a_caller_that_waits_too_long_for_its_share_gets_a_503(
    pooled: Client, databases: Databases, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    post(pooled, "mine", user=USER)
    monkeypatch.setattr(admission, "CHECKOUT_TIMEOUT_S", 1)
    with ThreadPoolExecutor(POOL_SIZE) as threads, psycopg.connect(databases.reach(database_url)) as lock:
        lock.execute("lock table outcomes in access exclusive mode")
        slow = [
            threads.submit(pooled.request, "GET", "/logs/mine/outcome", x_api_key=USER) for _ in range(POOL_SIZE - 1)
        ]
        while not any(one.done() for one in slow):
            time.sleep(0.05)
        lock.rollback()
        statuses = sorted(one.result(WAIT_S).status for one in slow)
    assert statuses == [200, 200, 503]


def wait_for_file(path: bytes) -> str:
    """Run in the separate process until a file exists."""
    while not Path(path.decode()).exists():
        time.sleep(0.01)
    return Path(path.decode()).name


def test_a_large_body_does_not_delay_other_owners(tmp_path: Path) -> None:
    done: list[str] = []

    async def work(context: Context, account: Account, name: str) -> None:
        done.append(await context.run_heavy(account, wait_for_file, str(tmp_path / name).encode()))

    async def run() -> None:
        app = FastAPI()
        async with open_context(app):
            context: Context = app.state.context
            one, other = Account("one"), Account("other")
            slow = [asyncio.create_task(work(context, one, name)) for name in ("first", "second")]
            for name in ("second", "other"):
                (tmp_path / name).touch()
            await work(context, other, "other")
            assert done == ["other"]
            (tmp_path / "first").touch()
            await asyncio.gather(*slow)
            assert done == ["other", "first", "second"]

    asyncio.run(run())


def test_accounts_take_turns_within_their_shares() -> None:
    order: list[str] = []

    async def work(turns: Turns, account: Account) -> None:
        async with turns.turn(account):
            order.append(account.name)
            await asyncio.sleep(0.01)

    async def run() -> None:
        turns = Turns(2, share=1)
        one, other, admin = Account("one"), Account("other"), Account("admin", is_admin=True)
        await asyncio.gather(*(work(turns, account) for account in [one] * 4 + [other] * 2))
        assert order == ["one", "other", "one", "other", "one", "one"]
        order.clear()
        cancelled = asyncio.create_task(work(turns, one))
        async with turns.turn(one):
            await asyncio.sleep(0)
            cancelled.cancel()
            await asyncio.gather(*(work(turns, admin) for _ in range(2)), cancelled, return_exceptions=True)
        await asyncio.gather(*(work(turns, account) for account in [one, admin, admin]))
        assert order == ["admin"] * 2 + ["one", "admin", "admin"]
        assert turns.has_room(one)

    asyncio.run(run())
