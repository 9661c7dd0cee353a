"""Failures of the database during a command: one sentence, and advice that fits."""

import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from tests.support.command import Command
from tests.support.databases import Databases
from tests.support.environment import ROOT, make_environment


@pytest.mark.parametrize(
    ("damage", "arguments", "sentences"),
    [
        (
            "drop table requests cascade",
            ["rescore"],
            ("database: not migrated", "run `manage.py migrate`"),
        ),
        (
            "alter database {name} set default_transaction_read_only = on",
            ["clear", "--yes", "--yes-production"],
            ("database: it is read-only", "use the URL of the primary server"),
        ),
        (
            "alter table requests rename column tokens to other",
            ["export", "--output", "out.jsonl"],
            ("database: not migrated", "run `manage.py migrate`"),
        ),
    ],
)
def test_a_failure_is_one_sentence_with_fitting_advice(  # noqa: PLR0917 - fixtures and parameters
    new_database_url: str,
    databases: Databases,
    manage: Command,
    damage: str,
    arguments: list[str],
    sentences: tuple[str, str],
) -> None:
    with psycopg.connect(databases.reach(new_database_url), autocommit=True) as conn:
        conn.execute(damage.format(name=conn.info.dbname).encode())
        # The connections that PgBouncer holds have the previous settings.
        conn.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = %s and pid <> pg_backend_pid()",
            [conn.info.dbname],
        )
    done = manage(*arguments, on=new_database_url)
    assert done.exit_code == 1, done.output
    lines = [line for line in done.stderr.splitlines() if line.startswith("Error: ")]
    assert len(lines) == 1, done.output
    assert all(sentence in lines[0] for sentence in sentences), done.output
    assert "Traceback" not in done.output


def test_a_bug_is_one_sentence_and_debug_shows_its_traceback(
    database_url: str, manage: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise KeyError("a text of a user")

    monkeypatch.setattr("core.cli.status.describe_stamp", fail)
    done = manage("status", on=database_url)
    assert (done.exit_code, done.stderr.count("\n")) == (1, 1), done.output
    assert "Error: bug: KeyError in status.py, line " in done.stderr
    assert "report this bug, with the traceback that LOG_LEVEL=debug shows" in done.stderr
    assert "a text of a user" not in done.output
    assert isinstance(manage("status", on=database_url, LOG_LEVEL="debug").exception, KeyError)


def test_make_without_a_package_index_says_that_it_needs_the_network_once(tmp_path: Path) -> None:
    for name in ("Makefile", "requirements.lock"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    # As after Ctrl-C during the first start.
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", ".venv"], cwd=tmp_path, check=True)
    offline = {"PIP_INDEX_URL": "http://127.0.0.1:1/", "PIP_RETRIES": "0", "PIP_CONFIG_FILE": "/dev/null"}
    done = subprocess.run(
        ["make", "run"],
        cwd=tmp_path,
        env=make_environment(**offline, PIP_NO_CACHE_DIR="1"),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode != 0
    assert "needs the network" in done.stderr
    assert "No module named pip" not in done.stderr
    assert not (tmp_path / ".venv" / ".runtime").exists()
