"""`adopt` transfers a database to another app."""

import threading
import time
from contextlib import ExitStack

import psycopg
import pytest
from click.testing import CliRunner

from core.cli.confirm import NotConfirmedError, confirm_change
from core.database import statements
from core.database.migrations import (
    MigrationError,
    adopt,
    read_stamp,
)
from manage import cli
from tests.support.client import Client
from tests.support.documents import load_trace
from tests.support.stamps import OURS, THEIRS, catches, stamp_of

WAIT_SECONDS = 10


def await_lock(sql: psycopg.Connection) -> None:
    """Wait until a session waits for a lock in this database."""
    waiting = "select count(*) from pg_locks where not granted"
    deadline = time.monotonic() + WAIT_SECONDS
    while sql.execute(waiting).fetchone() == (0,) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert sql.execute(waiting).fetchone() != (0,)


def test_adopt_changes_the_stamp_and_names_the_previous_one(database_url: str) -> None:
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
        writer.execute("select hold_stamp(%s)", [OURS])
        adopting = threading.Thread(target=adopt, args=(database_url,), kwargs={"app_name": THEIRS})
        adopting.start()
        ending.callback(adopting.join)
        await_lock(sql)
        assert stamp_of(database_url) == OURS
        writer.commit()
        adopting.join()
        assert stamp_of(database_url) == THEIRS


def test_a_write_that_waited_for_an_adopt_sees_the_new_stamp(database_url: str, sql: psycopg.Connection) -> None:
    seen: list[str | None] = []

    def write() -> None:
        with psycopg.connect(database_url) as writer:
            try:
                writer.execute("select hold_stamp(%s)", [OURS])
            except psycopg.DatabaseError as error:
                seen.append(error.sqlstate)

    with psycopg.connect(database_url) as adopting:
        adopting.execute("update environment set app_name = %s", [THEIRS])
        writing = threading.Thread(target=write)
        writing.start()
        await_lock(sql)
    writing.join()
    assert seen == [statements.FOREIGN]


def test_adopt_requires_confirmation_and_names_the_previous_stamp(
    client: Client, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    trace = load_trace("plain-capital")
    assert client.ingest(trace).status == 201
    monkeypatch.setenv("DATABASE_URL", database_url)
    command = ["adopt", "--app-name", THEIRS]
    refused = CliRunner().invoke(cli, command)
    assert refused.exit_code == 1
    assert "add --yes" in refused.stderr
    assert f"stamp     {OURS}, since 20" in refused.stderr
    assert stamp_of(database_url) == OURS
    done = CliRunner().invoke(cli, [*command, "--yes"])
    assert done.exit_code == 0, done.stderr
    assert done.stdout.startswith(f"{THEIRS} took over 1 request, the newest of 20")
    assert f"; the previous stamp was {OURS}, since 20" in done.stdout
    assert stamp_of(database_url) == THEIRS
    again = CliRunner().invoke(cli, [*command, "--yes"])
    assert again.stdout.startswith(f"nothing to do: the database already belongs to {THEIRS}, with 1 request")


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
