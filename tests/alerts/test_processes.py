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


def test_a_process_killed_during_a_delivery_delivers_again_with_the_same_id(
    tmp_path: Path, database_url: str, sql: psycopg.Connection, receiver: Receiver
) -> None:
    with served(tmp_path / "log", database_url, **ALLOW) as server:
        create(server.client, receiver.url("/held"))
        post_probs(server.client, "r", [0.25])
        receiver.wait(1, "/held")
        server.kill()
        sql.execute("update alert_events set next_attempt_at = now()")  # as after the lease
        receiver.released.set()
        server.start()
        wait_until(lambda: count(sql, "delivered") == 1)
    ids = receiver.list_ids("/held")
    assert (len(ids), len(set(ids))) == (2, 1)


def test_events_of_a_process_killed_after_the_commit_are_delivered(
    tmp_path: Path, database_url: str, sql: psycopg.Connection, receiver: Receiver
) -> None:
    with served(tmp_path / "log", database_url, **ALLOW) as server:
        create(server.client, receiver.url())
        for place in range(5):
            post_probs(server.client, f"r{place}", [0.25])
        server.kill()
        assert sql.execute("select count(*) from alert_events").fetchall() == [(5,)]
        sql.execute("update alert_events set next_attempt_at = now()")
        server.start()
        wait_until(lambda: count(sql, "delivered") == 5)
    assert len(set(receiver.list_ids())) == 5


def test_two_processes_deliver_each_event_once(
    tmp_path: Path, database_url: str, sql: psycopg.Connection, receiver: Receiver
) -> None:
    with served(tmp_path / "one", database_url, **ALLOW) as one, served(tmp_path / "two", database_url, **ALLOW) as two:
        for _ in range(4):
            create(one.client, receiver.url(), kind="exception", threshold=None)
        wake = create(one.client, receiver.url("/wake"))
        sql.execute(
            "insert into alert_events (alert_id, kind)"
            " select id, kind from alerts, generate_series(1, %s) where id <> %s",
            [EVENTS // 4, wake["id"]],
        )
        post_probs(one.client, "r1", [0.25])
        post_probs(two.client, "r2", [0.25])
        wait_until(lambda: count(sql, "delivered") == EVENTS + 2)
    ids = receiver.list_ids()
    assert (len(ids), len(set(ids))) == (EVENTS, EVENTS)
    repeated = "select kind, attempts, status, error from alert_events where attempts > 1"
    assert sql.execute(repeated).fetchall() == []


def test_servers_notice_a_silence_once_without_an_ingest(
    tmp_path: Path, database_url: str, sql: psycopg.Connection, receiver: Receiver
) -> None:
    """As with `make run`: each process does the scheduled work when it starts, and then every few seconds."""
    with served(tmp_path / "one", database_url, **ALLOW) as one:
        create(one.client, receiver.url(), kind="silence", threshold=None)
    sql.execute("update alerts set updated_at = now() - interval '2 hours', evaluated_at = null")
    with served(tmp_path / "one", database_url, **ALLOW), served(tmp_path / "two", database_url, **ALLOW):
        wait_until(lambda: count(sql, "delivered") == 1)
    assert len(receiver.list_ids()) == 1
