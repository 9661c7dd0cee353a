"""`make run` restarts its Postgres, and the same server continues."""

import os
import signal
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import psycopg
import pytest

from core.local.cluster import runs_postgres
from core.local.postgres import EmbeddedPostgres
from tests.support.processes import kill_postgres, list_children
from tests.support.running import Running, post, running

PATIENCE_SECONDS = 60


@pytest.fixture
def directory() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="run-", ignore_cleanup_errors=True) as path:
        yield Path(path)


def end(pid: int, how: signal.Signals) -> None:
    os.kill(pid, how)


KILLS = (partial(end, how=signal.SIGKILL), kill_postgres, partial(end, how=signal.SIGQUIT))


def post_until_stored(run: Running) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (status := post(run)) != 201:
        assert status == 503
        assert time.monotonic() < deadline, "Postgres does not restart"


def test_make_run_restarts_its_postgres_and_the_server_continues(directory: Path) -> None:
    with running(directory, APP_WORKERS="2") as run:
        assert run.post_sample() == 201
        seen = [run.postmaster]
        for kill in KILLS:
            kill(run.postmaster)
            post_until_stored(run)
            assert run.read_sample() == 200
            seen.append(run.postmaster)
        assert len(set(seen)) == 1 + len(KILLS)
        run.process.terminate()
        assert run.wait() == 0
        output = run.end()
        assert not any(map(runs_postgres, seen))
    assert output.count("the embedded Postgres was killed (SIGKILL); restarting") == 2
    assert output.count("the embedded Postgres was stopped; restarting") == 1


def test_a_killed_session_does_not_stop_the_server(directory: Path) -> None:
    with running(directory) as run:
        assert run.post_sample() == 201
        postmaster = run.postmaster
        os.kill(list_children(postmaster)[-1], signal.SIGKILL)
        post_until_stored(run)
        assert run.postmaster == postmaster
        assert run.read_sample() == 200


def test_a_restart_waits_for_disk_space(durable_postgres: EmbeddedPostgres) -> None:
    with psycopg.connect(durable_postgres.dsn) as conn:
        for name in ("fsync", "synchronous_commit", "full_page_writes", "data_checksums"):
            assert conn.execute("select current_setting(%s)", [name]).fetchone() == ("on",), name
