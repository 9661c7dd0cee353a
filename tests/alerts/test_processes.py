"""Killed processes, and several processes on one database: no event is lost, and each is delivered by one process."""

from pathlib import Path

import psycopg

from tests.support.alerts import create
from tests.support.posts import post_probs
from tests.support.processes import served
from tests.support.receiver import Receiver, wait_until

ALLOW = {"WEBHOOK_ALLOW": "127.0.0.1"}
EVENTS = 40


def count(sql: psycopg.Connection, status: str) -> int:
    return sql.execute("select count(*) from alert_events where status = %s", [status]).fetchall()[0][0]


def test_a_process_killed_during_deliveries_delivers_again_with_the_same_ids(
    tmp_path: Path, database_url: str, sql: psycopg.Connection, receiver: Receiver
) -> None:
    with served(tmp_path / "log", database_url, **ALLOW) as server:
        create(server.client, receiver.url("/held"))
        for place in range(5):
            post_probs(server.client, f"r{place}", [0.25])
        receiver.wait(1, "/held")
        server.kill()
        assert count(sql, "waiting") == 5
        sql.execute("update alert_events set next_attempt_at = now()")  # as after the lease
        receiver.released.set()
        server.start()
        wait_until(lambda: count(sql, "delivered") == 5)
    ids = receiver.list_ids("/held")
    assert (len(set(ids)), len(ids) > 5) == (5, True)


def test_two_processes_notice_a_silence_once_and_deliver_each_event_once(
    tmp_path: Path, database_url: str, sql: psycopg.Connection, receiver: Receiver
) -> None:
    with served(tmp_path / "one", database_url, **ALLOW) as one:
        for kind in ["silence"] + ["exception"] * 4:
            create(one.client, receiver.url(f"/{kind}"), kind=kind, threshold=None)
        sql.execute("update alerts set updated_at = now() - interval '2 hours', evaluated_at = null")
        with served(tmp_path / "two", database_url, **ALLOW) as two:
            # Without an ingest, because each process does the scheduled work when it starts.
            wait_until(lambda: count(sql, "delivered") == 1)
            create(one.client, receiver.url("/wake"))
            sql.execute(
                "insert into alert_events (alert_id, kind)"
                " select id, kind from alerts, generate_series(1, %s) where kind = 'exception'",
                [EVENTS // 4],
            )
            post_probs(one.client, "r1", [0.25])
            post_probs(two.client, "r2", [0.25])
            wait_until(lambda: count(sql, "delivered") == 1 + EVENTS + 2)
    assert [len(receiver.list_ids(path)) for path in ("/silence", "/wake")] == [1, 2]
    ids = receiver.list_ids("/exception")
    assert (len(ids), len(set(ids))) == (EVENTS, EVENTS)
    repeated = "select kind, attempts, status, error from alert_events where attempts > 1"
    assert sql.execute(repeated).fetchall() == []
