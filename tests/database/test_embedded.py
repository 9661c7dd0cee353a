"""The embedded Postgres: start, settings, users, stop."""

import os
import stat
from pathlib import Path

import psycopg
import pytest

from core.local.lock import AlreadyRunningError
from tests.support.embedded import is_alive, recall, remember, start


def test_the_first_start_creates_the_database_and_later_ones_find_it(data_dir: Path) -> None:
    with start(data_dir) as server:
        remember(server.dsn, 1)
    with start(data_dir) as server:
        assert recall(server.dsn) == [1]
        assert server.bin_dir.joinpath("pg_dump").is_file()


def test_text_is_utf8_and_sorts_equally_everywhere(data_dir: Path) -> None:
    with start(data_dir) as server, psycopg.connect(server.dsn) as conn:
        assert conn.execute("show server_encoding").fetchone() == ("UTF8",)
        provider = "select datlocprovider::text, datlocale from pg_database where datname = current_database()"
        assert conn.execute(provider).fetchone() == ("b", "C.UTF-8")
        assert conn.execute("select current_setting('server_version_num')::int / 10000").fetchone() == (18,)


def test_only_its_user_can_connect(data_dir: Path) -> None:
    with start(data_dir) as server, psycopg.connect(server.dsn) as conn:
        assert conn.execute("show listen_addresses").fetchone() == ("",)
        assert stat.S_IMODE(server.socket_dir.stat().st_mode) == 0o700
        assert stat.S_IMODE(data_dir.stat().st_mode) == 0o700
        assert stat.S_IMODE(data_dir.joinpath("postgres").stat().st_mode) == 0o700
        rules = conn.execute("select type, auth_method from pg_hba_file_rules").fetchall()
        assert rules == [("local", "peer")]


def test_a_data_directory_with_a_long_name_works(data_dir: Path) -> None:
    with start(data_dir / ("long" * 40) / ("name " * 20)) as server:
        remember(server.dsn, 1)


def test_stopping_ends_sessions_processes_and_socket_and_may_be_repeated(data_dir: Path) -> None:
    server = start(data_dir)
    with psycopg.connect(server.dsn) as conn:
        server.stop()
        with pytest.raises(psycopg.OperationalError):
            conn.execute("select 1")
    assert not is_alive(server.pid)
    assert not server.socket_dir.exists()
    server.stop()


def test_a_second_start_names_the_first(data_dir: Path) -> None:
    with start(data_dir) as server:
        with pytest.raises(AlreadyRunningError, match=rf"already runs on .* \(process {os.getpid()}\)"):
            start(data_dir)
        server.announce("http://127.0.0.1:6767")
        with pytest.raises(AlreadyRunningError, match=r"at http://127\.0\.0\.1:6767 \(process"):
            start(data_dir)


def test_databases_are_copied_from_a_template_and_dropped(data_dir: Path) -> None:
    with start(data_dir) as server:
        remember(server.dsn, 7)
        copy = server.create_database('a "copy"', template="thunder")
        assert recall(copy) == [7]
        remember(copy, 8)
        assert recall(server.dsn) == [7]
        with psycopg.connect(copy):
            server.drop_database('a "copy"')
        with pytest.raises(psycopg.OperationalError, match="does not exist"):
            psycopg.connect(copy)


def test_its_log_contains_no_values(data_dir: Path) -> None:
    with start(data_dir) as server:
        with pytest.raises(psycopg.errors.DivisionByZero), psycopg.connect(server.dsn) as conn:
            conn.execute("select 1 / 0, 'confidential'")
        server.stop()
        logs = "".join(log.read_text() for log in data_dir.rglob("*.log"))
        assert "ready to accept connections" in logs
        assert "confidential" not in logs
