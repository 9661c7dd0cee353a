"""The disk of the embedded Postgres is full, for its tables or for its log, without which it stops."""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import urllib3

from core.database.migrations import migrate
from core.local.cluster import ROLE
from core.local.postgres import start_embedded
from core.local.socket_directory import find_socket_dir
from tests.support.disk import Disk, mount_disk
from tests.support.posters import Poster, assert_whole, small
from tests.support.processes import served
from tests.support.running import post, running

SIZE_MB = 150
REFUSED = 3
PATIENCE_SECONDS = 60


@pytest.fixture
def disk() -> Iterator[Disk]:
    with mount_disk(SIZE_MB) as mounted:
        if mounted is None:
            pytest.skip("mounting a small disk takes root")
        yield mounted


def test_a_full_disk_rejects_traces_and_loses_none(disk: Disk, tmp_path: Path) -> None:
    with (
        start_embedded(disk.directory / "data") as postgres,
        served(tmp_path / "log", postgres.dsn) as server,
    ):
        migrate(postgres.dsn)
        poster = Poster(server.client)
        for index in range(5):
            poster.post_until_stored(small(f"before-{index}"))
        with psycopg.connect(postgres.dsn, autocommit=True) as conn:
            # Switch to a new WAL file of 16 MB, so that the tables run out of space first.
            conn.execute("select pg_switch_wal()")
            conn.execute("select pg_logical_emit_message(true, 'faults', 'the first in it')")
        disk.fill()
        for index in range(REFUSED + 1):
            poster.post(small(f"during-{index}", tokens=400))
        assert poster.statuses[503] >= REFUSED, poster.summary
        assert set(poster.sentences) == {"database: its disk is full; free some space"}
        assert_whole(server.client, postgres.dsn, poster.acknowledged.values())
        assert server.client.get("/logs").status == 200
        assert server.client.request("GET", "/health").status == 200
        disk.free()
        for index in range(REFUSED + 1):
            answer = poster.post(small(f"during-{index}", tokens=400))
            assert answer is not None
            assert answer.status == 201, answer.data
        assert postgres.exit_code is None
        assert_whole(server.client, postgres.dsn, poster.acknowledged.values())


def test_make_run_restarts_a_stopped_postgres_once_there_is_space(disk: Disk) -> None:
    with running(disk.directory, LOG_LEVEL="error,core.db=warning") as run:
        assert run.post_sample() == 201
        socket_dir = find_socket_dir(disk.directory / ".thunder" / "postgres")
        with psycopg.connect(f"postgresql://{ROLE}@/thunder?host={socket_dir}", autocommit=True) as conn:
            conn.execute("create table written as select 0 as c")
            disk.fill()
            deadline = time.monotonic() + PATIENCE_SECONDS
            while not conn.closed:  # each switch needs another 16 MB for the log
                assert time.monotonic() < deadline, "Postgres does not stop"
                with contextlib.suppress(psycopg.OperationalError):
                    conn.execute("select pg_switch_wal()")
                    conn.execute("insert into written values (1)")
        assert post(run) == 503
        disk.free()
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (status := post(run)) != 201:
            assert status == 503
            assert time.monotonic() < deadline, "Postgres does not restart"
        assert run.read_sample() == 200
        log = urllib3.request("GET", f"{run.url}/logs", headers={"X-API-Key": run.key}).json()
        assert [row["request_id"] for row in log["data"]] == ["smollm2-force-prefix"]
        run.process.terminate()
        assert run.wait() == 0
        output = run.end()
    assert "restarting" in output
    assert "No space left on device" in output
