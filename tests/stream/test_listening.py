"""Where the stream listens, and when it lets a database suspend."""

import asyncio
import json
import time
from collections.abc import Callable

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict
from pydantic import SecretStr

from core.access.access import Access
from core.database.direct import find_direct_dsn, is_suspended_when_idle
from core.database.pool import open_pool
from core.settings import Settings
from core.stream.hub import Hub
from core.stream.subscription import Subscription
from tests.support.client import Client
from tests.support.databases import Databases
from tests.support.keys import ADMIN_KEY, SECRET
from tests.support.posts import post
from tests.support.servers import Serve
from tests.support.streams import WAIT_S, open_socket, read_id, receive_close, receive_ids

NEON = "postgresql://me:secret@ep-cool-rain-a1-pooler.eu-central-1.aws.neon.tech/db?sslmode=require"
LISTENERS = "select pid from pg_stat_activity where datname = current_database() and application_name like '% stream'"


def settings(url: str | None, direct: str | None = None) -> Settings:
    return Settings(
        database_url=None if url is None else SecretStr(url),
        database_url_direct=None if direct is None else SecretStr(direct),
    )


def test_the_direct_host_of_neon_is_derived_from_the_pooled_one() -> None:
    for url in (NEON, NEON.replace("-pooler", "")):
        found = find_direct_dsn(settings(url))
        assert found is not None
        expected = {**conninfo_to_dict(NEON), "host": "ep-cool-rain-a1.eu-central-1.aws.neon.tech"}
        assert conninfo_to_dict(found) == expected
        assert is_suspended_when_idle(settings(url))


def test_the_endpoint_in_the_options_is_the_direct_one_too() -> None:
    found = find_direct_dsn(settings(f"{NEON}&options=endpoint%3Dep-cool-rain-a1-pooler"))
    assert found is not None
    assert conninfo_to_dict(found)["options"] == "endpoint=ep-cool-rain-a1"
    found = find_direct_dsn(settings(f"{NEON}&options=project%3Dep-cool-rain-a1-pooler".replace("ep-", "EP-", 1)))
    assert found
    assert conninfo_to_dict(found)["options"] == "project=ep-cool-rain-a1"
    found = find_direct_dsn(settings(f"{NEON}&password=endpoint%3Dep-cool-rain-a1-pooler%24secret"))
    assert found
    assert conninfo_to_dict(found)["password"] == "endpoint=ep-cool-rain-a1$secret"


def test_elsewhere_only_the_setting_names_the_direct_url() -> None:
    elsewhere = ("postgresql://h/db", "postgresql://x-pooler.neon.tech.example/db", "host=h dbname=db", "no url")
    for url in (*elsewhere, None):
        assert find_direct_dsn(settings(url)) is None
        assert find_direct_dsn(settings(url, "postgresql://d/db")) == "postgresql://d/db"
        assert not is_suspended_when_idle(settings(url))


async def wait_until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(WAIT_S):
        while not holds():  # noqa: ASYNC110 - what is waited for happens in Postgres
            await asyncio.sleep(0.01)


def count_listeners(sql: psycopg.Connection) -> int:
    return len(sql.execute(LISTENERS).fetchall())


async def next_id(subscription: Subscription) -> str:
    while (message := await subscription.next(1)) is None:
        pass
    return read_id(json.loads(message.text))


def test_an_idle_database_is_not_queried_until_a_client_connects(
    client: Client, sql: psycopg.Connection, databases: Databases, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.stream.pace.QUIET_AFTER_S", 0.3)

    direct = databases.reach(database_url)

    async def sleep_and_wake() -> None:
        async with open_pool(settings(database_url)) as pool:
            access = Access(open_pool=pool, admin_key=ADMIN_KEY, secret=SECRET)
            hub = Hub(access, app_name="thunder-backend", direct_dsn=direct, may_sleep=True)
            async with hub.subscribe(ADMIN_KEY) as subscription:
                await wait_until(lambda: count_listeners(sql) == 1)
                post(client, "noticed")
                assert await next_id(subscription) == "noticed"
                await asyncio.sleep(0.5)  # quiet for long enough
                sql.execute(f"select pg_terminate_backend(pid) from ({LISTENERS}) as listeners")
                await wait_until(lambda: count_listeners(sql) == 0)
                post(client, "stored-elsewhere")
                await asyncio.sleep(0.7)
                assert count_listeners(sql) == 0
                hub.nudge()
                assert await next_id(subscription) == "stored-elsewhere"
                await wait_until(lambda: count_listeners(sql) == 1)
            await wait_until(lambda: count_listeners(sql) == 0)
            await hub.close()

    asyncio.run(sleep_and_wake())


def test_a_cut_listener_reconnects_and_misses_nothing(listening: Client, sql: psycopg.Connection) -> None:
    with open_socket(listening) as socket:
        for turn in range(3):
            sql.execute(f"select pg_terminate_backend(pid) from ({LISTENERS}) as listeners")
            post(listening, f"cut-{turn}")
            assert receive_ids(socket) == [f"cut-{turn}"]


def test_the_database_of_another_app_ends_the_streams_despite_notifications(
    listening: Client, sql: psycopg.Connection
) -> None:
    with open_socket(listening) as socket:
        post(listening, "ours")
        assert receive_ids(socket) == ["ours"]
        with sql.transaction():
            sql.execute("update environment set app_name = 'somebody-else'")
            sql.execute("select pg_notify('thunder_logs', '')")
        code, reason = receive_close(socket)
        assert (code, reason.startswith("database: belongs to somebody-else")) == (1013, True)


def test_the_listening_connection_closes_with_the_last_client(listening: Client, sql: psycopg.Connection) -> None:
    assert count_listeners(sql) == 0
    for _ in range(3):
        with open_socket(listening), open_socket(listening):
            assert count_listeners(sql) <= 1
        deadline = time.monotonic() + WAIT_S
        while count_listeners(sql) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert count_listeners(sql) == 0


@pytest.mark.parametrize("direct", ["another database", "nothing there"])
def test_a_wrong_direct_url_is_replaced_by_polling(
    serve: Serve, databases: Databases, database_url: str, direct: str
) -> None:
    wrong = databases.server.dsn_of("postgres" if direct == "another database" else "nothing")
    environment = {"THUNDER_ADMIN_KEY": ADMIN_KEY, "THUNDER_SECRET": SECRET}
    server = serve(DATABASE_URL=database_url, DATABASE_URL_DIRECT=wrong, **environment)
    stores = serve(DATABASE_URL=database_url, DATABASE_URL_DIRECT=wrong, **environment)
    with open_socket(server) as socket:
        post(stores, "polled")
        assert receive_ids(socket) == ["polled"]
