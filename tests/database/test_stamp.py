"""The stamp: a database belongs to one app, and processes of other apps do not read or write it."""

import threading
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner

from core.database import statements
from core.database.migrations import (
    LATEST_VERSION,
    MigrationError,
    list_migrations,
    migrate,
    read_stamp,
    read_status,
)
from manage import cli
from tests.support.stamps import OURS, SENTENCE, THEIRS, catches, stamp_of

NOBODYS = "database: has no stamp yet; run `manage.py migrate`"


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
        statements.REQUIRE_STAMP.run(sql, app_name=OURS)
    assert migrate(database_url, app_name=THEIRS) == []
    assert stamp_of(database_url) == THEIRS


def test_one_of_two_concurrent_migrations_stamps_the_database(empty: str) -> None:
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
    assert sorted([*refused, str(stamp_of(empty))]) == [OURS, THEIRS]


def test_modal_app_name_stamps_as_well_and_status_shows_it(
    empty: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", empty)
    before = CliRunner().invoke(cli, ["status"])
    assert (before.exit_code, "stamp     none yet" in before.stdout) == (1, True)
    monkeypatch.setenv("MODAL_APP_NAME", THEIRS)
    assert CliRunner().invoke(cli, ["migrate"]).exit_code == 0
    after = CliRunner().invoke(cli, ["status"])
    assert after.exit_code == 0
    assert f"stamp     {THEIRS}, since 20" in after.stdout
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
