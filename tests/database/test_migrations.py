"""Migrations: applied once each, in order, completely or not at all."""

import threading
from pathlib import Path

import psycopg
import pytest

from core.database import migrations
from core.database.migrations import LATEST_VERSION, MigrationError, list_migrations, migrate, read_status


def test_versions_count_from_one_without_gaps() -> None:
    assert [migration.version for migration in list_migrations()] == list(range(1, LATEST_VERSION + 1))


def test_migrating_twice_applies_once(empty: str) -> None:
    assert [applied for _, applied in read_status(empty)] == [False] * LATEST_VERSION
    assert migrate(empty) == [migration.name for migration in list_migrations()]
    assert migrate(empty) == []
    assert all(applied for _, applied in read_status(empty))


def test_concurrent_migrations_take_turns(empty: str) -> None:
    applied: list[list[str]] = []
    threads = [threading.Thread(target=lambda: applied.append(migrate(empty))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(name for names in applied for name in names) == [migration.name for migration in list_migrations()]


@pytest.mark.parametrize(
    ("version", "advice"), [(1, "a development version .* export the traces"), (2, "restore the file")]
)
def test_an_edited_migration_is_detected(empty: str, version: int, advice: str) -> None:
    migrate(empty)
    with psycopg.connect(empty, autocommit=True) as conn:
        conn.execute("update schema_migrations set checksum = 'other' where version = %s", [version])
    with pytest.raises(MigrationError, match=advice):
        migrate(empty)


def test_a_failed_migration_leaves_no_changes(empty: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    migrate(empty)
    broken = migrations.Migration(LATEST_VERSION + 1, "9999_broken", "create table half (id int); select 1 / 0")
    monkeypatch.setattr(migrations, "list_migrations", lambda: [*list_migrations(), broken])
    with pytest.raises(psycopg.errors.DivisionByZero):
        migrate(empty)
    with psycopg.connect(empty) as conn:
        assert conn.execute("select to_regclass('half')").fetchone() == (None,)
    assert tmp_path
