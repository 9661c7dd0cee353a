"""The stamp: a database belongs to one app, and processes of other apps do not read or write it."""

import asyncio
import itertools
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from types import SimpleNamespace

import psycopg
import pytest
from click.testing import CliRunner

from core.cli.confirm import NotConfirmedError, confirm_change
from core.database import statements
from core.database.migrations import (
    LATEST_VERSION,
    MigrationError,
    adopt,
    list_migrations,
    migrate,
    read_stamp,
    read_status,
)
from core.database.pool import (
    DatabaseUnavailableError,
    ForeignDatabaseError,
    LostConnectionError,
    check_owner,
    checkout,
    checkout_transaction,
    open_pool,
)
from core.local.postgres import EmbeddedPostgres
from core.settings import Settings
from manage import cli
from tests.support.client import Client
from tests.support.documents import load_trace

OURS = "thunder-backend"
THEIRS = "thunder-backend-staging"
SENTENCE = f"this database belongs to {OURS}; this app is {THEIRS}; "
NOBODYS = "this database has no owner yet; run `manage.py migrate`"
WAIT_SECONDS = 10

_names = (f"environment_{number}" for number in itertools.count())


@pytest.fixture
def empty(postgres: EmbeddedPostgres) -> Iterator[str]:
    name = next(_names)
    yield postgres.create_database(name)
    postgres.drop_database(name)


def owner_of(dsn: str) -> str | None:
    stamp = read_stamp(dsn)
    return None if stamp is None else stamp.app_name


def make_settings(dsn: str, app_name: str) -> Settings:
    return Settings.model_validate({"database_url": dsn, "thunder_app_name": app_name, "database_pool_size": 1})


def catches(error: type[Exception], match: str) -> AbstractContextManager[object]:
    return pytest.raises(error, match=match)


def await_lock(sql: psycopg.Connection) -> None:
    """Wait until a session waits for a lock in this database."""
    waiting = "select count(*) from pg_locks where not granted"
    deadline = time.monotonic() + WAIT_SECONDS
    while sql.execute(waiting).fetchone() == (0,) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert sql.execute(waiting).fetchone() != (0,)


def test_migrate_stamps_once(empty: str) -> None:
    assert read_stamp(empty) is None
    migrate(empty, app_name=THEIRS)
    first = read_stamp(empty)
    assert first is not None
    assert (first.app_name, first.schema_version) == (THEIRS, LATEST_VERSION)
    assert migrate(empty, app_name=THEIRS) == []
    assert read_stamp(empty) == first


def test_the_stamp_is_the_only_row(sql: psycopg.Connection) -> None:
    for statement in (
        "insert into environment (app_name, schema_version) values ('other', 1)",
        "insert into environment (only_row, app_name, schema_version) values (false, 'other', 1)",
    ):
        with pytest.raises(psycopg.errors.IntegrityError):
            sql.execute(statement.encode())


def test_the_database_of_another_app_is_not_migrated(empty: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as earlier:
        earlier.setattr("core.database.migrations.list_migrations", lambda: list_migrations()[:3])
        migrate(empty)
    assert sum(applied for _, applied in read_status(empty)) == 3
    with catches(MigrationError, SENTENCE):
        migrate(empty, app_name=THEIRS)
    stamp = read_stamp(empty)
    assert stamp is not None
    assert (sum(applied for _, applied in read_status(empty)), stamp.app_name, stamp.schema_version) == (3, OURS, 3)
    migrate(empty)
    stamp = read_stamp(empty)
    assert stamp is not None
    assert stamp.schema_version == LATEST_VERSION


def test_an_unstamped_database_is_rejected_until_it_is_migrated(database_url: str, sql: psycopg.Connection) -> None:
    sql.execute("delete from environment")
    with catches(psycopg.DatabaseError, NOBODYS):
        statements.REQUIRE_OWNER.run(sql, app_name=OURS)
    assert migrate(database_url, app_name=THEIRS) == []
    assert owner_of(database_url) == THEIRS


def test_one_of_two_concurrent_migrations_becomes_the_owner(empty: str) -> None:
    refused: list[str] = []

    def run(app_name: str) -> None:
        try:
            migrate(empty, app_name=app_name)
        except MigrationError:
            refused.append(app_name)

    threads = [threading.Thread(target=run, args=(name,)) for name in (OURS, THEIRS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted([*refused, str(owner_of(empty))]) == [OURS, THEIRS]


def test_adopt_changes_the_owner_and_names_the_previous_one(database_url: str) -> None:
    before = read_stamp(database_url)
    assert adopt(database_url, app_name=THEIRS) == before
    after = read_stamp(database_url)
    assert before is not None
    assert after is not None
    assert (after.app_name, after.stamped_at > before.stamped_at) == (THEIRS, True)
    assert adopt(database_url, app_name=THEIRS) == after
    assert read_stamp(database_url) == after


def test_an_empty_database_cannot_be_adopted(empty: str) -> None:
    with catches(MigrationError, "manage.py migrate"):
        adopt(empty, app_name=THEIRS)


def test_adopt_waits_for_a_running_write(database_url: str, sql: psycopg.Connection) -> None:
    with psycopg.connect(database_url) as writer, ExitStack() as ending:
        writer.execute("select hold_owner(%s)", [OURS])
        adopting = threading.Thread(target=adopt, args=(database_url,), kwargs={"app_name": THEIRS})
        adopting.start()
        ending.callback(adopting.join)
        await_lock(sql)
        assert owner_of(database_url) == OURS
        writer.commit()
        adopting.join()
        assert owner_of(database_url) == THEIRS


def test_a_write_that_waited_for_an_adopt_sees_the_new_owner(database_url: str, sql: psycopg.Connection) -> None:
    seen: list[str | None] = []

    def write() -> None:
        with psycopg.connect(database_url) as writer:
            try:
                writer.execute("select hold_owner(%s)", [OURS])
            except psycopg.DatabaseError as error:
                seen.append(error.sqlstate)

    with psycopg.connect(database_url) as adopting:
        adopting.execute("update environment set app_name = %s", [THEIRS])
        writing = threading.Thread(target=write)
        writing.start()
        await_lock(sql)
    writing.join()
    assert seen == [statements.FOREIGN]


def test_reads_do_not_wait_for_an_adopt(database_url: str) -> None:
    with psycopg.connect(database_url) as adopting, psycopg.connect(database_url) as reader:
        adopting.execute("update environment set app_name = %s", [THEIRS])
        reader.execute("set local statement_timeout = '5s'")
        statements.REQUIRE_OWNER.run(reader, app_name=OURS)
        adopting.rollback()


def test_a_rejection_leaves_the_pooled_connection_usable(database_url: str) -> None:
    async def run() -> None:
        async with open_pool(make_settings(database_url, THEIRS)) as pool:
            with catches(ForeignDatabaseError, SENTENCE):
                await check_owner(pool)
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


def test_the_owner_is_checked_in_the_transaction_of_the_write(database_url: str, sql: psycopg.Connection) -> None:
    """The database is adopted after the connection was checked out and before the transaction writes."""

    async def run() -> None:
        async with (
            open_pool(make_settings(database_url, OURS)) as pool,
            checkout_transaction(pool, timeout_ms=1000) as conn,
        ):
            await conn.execute("insert into mods (name) values ('void')")

    original = statements.HOLD_OWNER

    async def change_hands_first(conn: psycopg.AsyncConnection, *, app_name: str, milliseconds: int) -> None:
        adopt(database_url, app_name=THEIRS)
        await original.execute(conn, app_name=app_name, milliseconds=milliseconds)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("core.database.pool.HOLD_OWNER", SimpleNamespace(execute=change_hands_first))
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
            await check_owner(pool)
            async with checkout(pool) as conn:
                assert await statements.PING.fetch_only(conn) == LATEST_VERSION

    asyncio.run(run())


def test_adopt_requires_confirmation_and_names_the_previous_owner(
    client: Client, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    trace = load_trace("plain-capital")
    assert client.ingest(trace).status == 201
    monkeypatch.setenv("DATABASE_URL", database_url)
    command = ["adopt", "--app-name", THEIRS]
    refused = CliRunner().invoke(cli, command)
    assert refused.exit_code == 1
    assert "add --yes" in refused.stderr
    assert f"owner     {OURS}, since 20" in refused.stderr
    assert owner_of(database_url) == OURS
    done = CliRunner().invoke(cli, [*command, "--yes"])
    assert done.exit_code == 0, done.stderr
    assert done.stdout.startswith(f"{THEIRS} took over 1 requests, the newest of 20")
    assert f"; the previous owner was {OURS}, since 20" in done.stdout
    assert owner_of(database_url) == THEIRS
    again = CliRunner().invoke(cli, [*command, "--yes"])
    assert again.stdout.startswith(f"nothing to do: the database already belongs to {THEIRS}, with 1 requests")


@pytest.mark.parametrize(("answer", "goes_on"), [("y", True), ("n", False), ("", False)])
def test_adopt_asks_at_a_terminal(
    database_url: str, monkeypatch: pytest.MonkeyPatch, *, answer: str, goes_on: bool
) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)

    def reply(_prompt: str) -> str:
        return answer

    monkeypatch.setattr("click.termui.visible_prompt_func", reply)
    if goes_on:
        stamp = confirm_change(database_url, "Do it", yes=False)
        assert stamp == read_stamp(database_url)
        return
    with catches(NotConfirmedError, "nothing was changed"):
        confirm_change(database_url, "Do it", yes=False)


def test_modal_app_name_stamps_as_well_and_status_shows_it(
    empty: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", empty)
    before = CliRunner().invoke(cli, ["status"])
    assert (before.exit_code, "owner     no owner yet" in before.stdout) == (1, True)
    monkeypatch.setenv("MODAL_APP_NAME", THEIRS)
    assert CliRunner().invoke(cli, ["migrate"]).exit_code == 0
    after = CliRunner().invoke(cli, ["status"])
    assert after.exit_code == 0
    assert f"owner     {THEIRS}, since 20" in after.stdout
    assert f"database  {empty.partition('@/')[2].partition('?')[0]} on " in after.stdout
    monkeypatch.setenv("THUNDER_APP_NAME", OURS)
    refused = CliRunner().invoke(cli, ["migrate"])
    assert (refused.exit_code, f"belongs to {THEIRS}; this app is {OURS}" in refused.stderr) == (1, True)


def test_a_missing_database_is_one_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DATABASE_URL", f"postgresql://u:hunter2@/none?host={tmp_path}")
    for command in (["status"], ["migrate"], ["adopt", "--app-name", OURS, "--yes"]):
        done = CliRunner().invoke(cli, command)
        assert (done.exit_code, "does not answer" in done.stderr) == (1, True)
        assert "hunter2" not in done.output
