"""The commands `manage.py status` and `manage.py clear`."""

import subprocess
import sys
import threading
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner, Result

from core.cli.clear import looks_like_production
from core.database.migrations import LATEST_VERSION, adopt
from core.local.environment import InvalidSettingError, describe_database
from manage import cli
from tests.support.client import Client
from tests.support.documents import load_trace, trace_names
from tests.support.environment import ROOT

STAGING = "thunder-backend-staging"


@pytest.fixture(autouse=True)
def _elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def configured_url(database_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The test's database, which the commands find in DATABASE_URL."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    return database_url


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments)


def count(sql: psycopg.Connection, table: str) -> int:
    (number,) = sql.execute(f"select count(*) from {table}".encode()).fetchone() or (-1,)
    return number


def test_status_fits_on_one_screen(client: Client, configured_url: str, sql: psycopg.Connection) -> None:
    before = run("status").stdout
    assert "requests  0" in before
    assert "newest    no traces yet" in before
    tokens = sum(client.ingest(load_trace(name)).json["tokens"] for name in trace_names())
    sql.execute("insert into collections (name) values ('c')")
    done = run("status")
    assert done.exit_code == 0, done.output
    lines = dict(line.split(maxsplit=1) for line in done.stdout.splitlines())
    assert lines["database"].startswith(configured_url.partition("@/")[2].partition("?")[0])
    assert lines["stamp"].startswith("thunder-backend, since 20")
    assert lines["schema"] == f"{LATEST_VERSION} of {LATEST_VERSION} migrations"
    assert (lines["requests"], lines["tokens"]) == (str(len(trace_names())), f"{tokens:,}")
    assert lines["also"].startswith("1 collection, ")
    assert lines["keys"] == "0 live of 0"
    assert " s ago (20" in lines["newest"]


def test_status_lists_pending_migrations(
    database_url: str, sql: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    sql.execute("drop table deletions, api_keys cascade")
    sql.execute("delete from schema_migrations where version >= 5")
    done = run("status")
    assert done.exit_code == 1
    assert f"schema    4 of {LATEST_VERSION} migrations" in done.stdout
    assert "pending   0005_create_keys" in done.stdout
    assert "contents  unknown; run `manage.py migrate` first" in done.stdout


def test_without_a_database_no_command_creates_one(tmp_path: Path) -> None:
    for command in (["status"], ["clear", "--yes"]):
        done = run(*command)
        assert (done.exit_code, "DATABASE_URL: not set" in done.stderr) == (1, True)
    assert list(tmp_path.iterdir()) == []


def test_clear_deletes_traces_and_collections_and_keeps_keys(
    client: Client, configured_url: str, sql: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    adopt(configured_url, app_name=STAGING)
    sql.execute("insert into collections (name) values ('c')")
    sql.execute(
        "insert into api_keys (key_hash, key_prefix, name, is_admin, scopes) values ('x', 'ck_', 'k', true, '{}')"
    )
    adopt(configured_url, app_name="thunder-backend")
    for name in trace_names():
        assert client.ingest(load_trace(name)).status == 201
    adopt(configured_url, app_name=STAGING)
    monkeypatch.setenv("THUNDER_APP_NAME", STAGING)
    asked = run("clear")
    assert (asked.exit_code, "add --yes" in asked.stderr, count(sql, "requests")) == (1, True, len(trace_names()))
    done = run("clear", "--yes")
    assert done.exit_code == 0, done.output
    assert f"cleared      {len(trace_names())} requests, " in done.stdout
    assert "tokens, 1 collection, 0 calibrators, 0 comments, 0 outcomes" in done.stdout
    assert "kept         1 key, the stamp" in done.stdout
    emptied = ("requests", "request_traces", "request_steps", "mods", "mod_calls", "actions", "collections")
    assert [count(sql, table) for table in emptied] == [0] * len(emptied)
    assert count(sql, "api_keys") == 1
    assert "cleared      0 requests" in run("clear", "--yes").stdout


def test_the_database_of_another_app_is_not_cleared(
    client: Client, configured_url: str, sql: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert client.ingest(load_trace(trace_names()[0])).status == 201
    adopt(configured_url, app_name=STAGING)
    for app_name in ("thunder-backend", "thunder-backend-dev"):
        monkeypatch.setenv("THUNDER_APP_NAME", app_name)
        refused = run("clear", "--yes", "--yes-production")
        assert (refused.exit_code, f"not to {app_name}" in refused.stderr, count(sql, "requests")) == (1, True, 1)


@pytest.mark.usefixtures("configured_url")
def test_clearing_production_requires_two_options(client: Client, sql: psycopg.Connection) -> None:
    assert client.ingest(load_trace("plain-capital")).status == 201
    refused = run("clear", "--yes")
    assert refused.exit_code == 1
    assert "thunder-backend looks like production" in refused.stderr
    assert "add --yes-production" in refused.stderr
    assert count(sql, "requests") == 1
    not_confirmed = run("clear", "--yes-production")
    assert (not_confirmed.exit_code, count(sql, "requests")) == (1, 1)
    assert run("clear", "--yes", "--yes-production").exit_code == 0
    assert count(sql, "requests") == 0


@pytest.mark.parametrize(
    ("name", "is_production"),
    [
        ("thunder-backend", True),
        ("thunder-backend-staging", False),
        ("Thunder_DEV", False),
        ("test", False),
        ("contest", True),
        ("devices", True),
        ("prod", True),
    ],
)
def test_only_whole_words_mark_a_name_as_not_production(name: str, *, is_production: bool) -> None:
    assert looks_like_production(name) is is_production


def test_an_unstamped_database_is_not_cleared(
    database_url: str, sql: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    sql.execute("delete from environment")
    done = run("clear", "--yes", "--yes-production")
    assert (done.exit_code, "has no stamp yet" in done.stderr) == (1, True)


def test_clear_waits_for_a_running_write(
    database_url: str, sql: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    adopt(database_url, app_name=STAGING)
    monkeypatch.setenv("THUNDER_APP_NAME", STAGING)
    cleared: list[Result] = []
    with psycopg.connect(database_url) as writer:
        writer.execute("select hold_stamp(%s)", [STAGING])
        clearing = threading.Thread(target=lambda: cleared.append(run("clear", "--yes")))
        clearing.start()
        while sql.execute("select count(*) from pg_locks where not granted").fetchone() == (0,):
            assert clearing.is_alive(), cleared
        writer.execute("insert into collections (name) values ('late')")
        writer.commit()
    clearing.join()
    assert "1 collection," in cleared[0].stdout
    assert count(sql, "collections") == 0


def test_clear_gives_up_if_a_transaction_does_not_end(
    database_url: str, sql: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setattr("core.cli.clear.LOCK_TIMEOUT_MS", 50)
    adopt(database_url, app_name=STAGING)
    monkeypatch.setenv("THUNDER_APP_NAME", STAGING)
    sql.execute("insert into collections (name) values ('c')")
    with psycopg.connect(database_url) as writer:
        writer.execute("select hold_stamp(%s)", [STAGING])
        done = run("clear", "--yes")
    assert (done.exit_code, "nothing was cleared" in done.stderr) == (1, True)
    assert count(sql, "collections") == 1


@pytest.mark.parametrize("url", ["postgresql://me:se@cret@db/logs", "postgresql://me:se/cret@db/logs"])
def test_a_password_that_breaks_the_url_is_not_shown(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InvalidSettingError, match="%40"):
        describe_database(url)
    monkeypatch.setenv("DATABASE_URL", url)
    for command in (["status"], ["migrate"], ["clear", "--yes"]):
        done = run(*command)
        assert done.exit_code == 1
        assert "cret" not in done.output
        assert "Traceback" not in done.output


def test_the_embedded_database_can_be_inspected_and_cleared_while_it_is_served(tmp_path: Path) -> None:
    served = subprocess.Popen(
        [sys.executable, ROOT / "manage.py", "run"],
        env={"PATH": "", "APP_PORT": "0"},
        stdout=subprocess.PIPE,
        start_new_session=True,
        text=True,
    )
    try:
        assert served.stdout is not None
        assert any("Press Ctrl-C to stop" in line for line in served.stdout)
        looked = run("status")
        assert (looked.exit_code, "stamp     thunder-backend, since 20" in looked.stdout) == (0, True), looked.output
        done = run("clear", "--yes")
        assert (done.exit_code, "cleared      0 requests" in done.stdout) == (0, True), done.output
    finally:
        served.terminate()
        served.communicate()
    assert run("status").exit_code == 0, "the commands start an embedded database that is not served"
    assert {path.name for path in tmp_path.iterdir()} == {".thunder"}
