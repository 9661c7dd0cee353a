"""No trace is lost or sent twice: late commits, broken connections, and a killed Postgres."""

import os
import signal
import tempfile
import threading
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest

from core.database.migrations import migrate
from core.local.postgres import TEST_SETTINGS, start_embedded
from tests.support.client import Client
from tests.support.databases import Databases
from tests.support.keys import ADMIN_KEY
from tests.support.posts import post
from tests.support.processes import Pair, server_process
from tests.support.streams import copy_request, name_all, open_events, open_socket, receive_ids

STORE_ANEW = "update requests set stored_xid = pg_current_xact_id() where request_id = any(%s)"
NOTIFY = "select pg_notify('thunder_logs', '')"


def test_a_transaction_that_commits_late_is_not_skipped(
    listening: Client, databases: Databases, database_url: str
) -> None:
    post(listening, "late", "early")
    with open_socket(listening) as socket, open_events(listening) as events:
        with psycopg.connect(databases.reach(database_url)) as slow:
            slow.execute(STORE_ANEW, [["late"]])
            slow.execute(NOTIFY)
            post(listening, "early")
            assert receive_ids(socket) == events.ids() == ["early"]
            between = events.last_id
        assert receive_ids(socket) == events.ids() == ["late"]
    with open_events(listening, last_event_id=between or "") as events:
        assert events.ids() == ["late"]


def test_a_transaction_that_is_rolled_back_is_not_sent(
    listening: Client, databases: Databases, database_url: str
) -> None:
    post(listening, "one", "two")
    with open_socket(listening) as socket:
        with psycopg.connect(databases.reach(database_url)) as slow:
            slow.execute(STORE_ANEW, [["one"]])
            post(listening, "two")
            slow.rollback()
        post(listening, "three")
        assert receive_ids(socket, 2) == ["two", "three"]


@pytest.mark.parametrize("way", ["header", "query"])
def test_a_broken_stream_resumes_after_the_last_id(listening: Client, way: str) -> None:
    with open_events(listening) as events:
        post(listening, *name_all("before", 5))
        assert events.ids(3) == name_all("before", 5)[:3]
        last = events.last_id or ""
    post(listening, *name_all("missed", 5))
    path = "/logs/stream" if way == "header" else f"/logs/stream?last_event_id={quote(last)}"
    headers = {"last_event_id": last} if way == "header" else {}
    with open_events(listening, path, **headers) as events:
        assert events.ids(7) == [*name_all("before", 5)[3:], *name_all("missed", 5)]
        post(listening, "live")
        assert events.ids() == ["live"]


def test_each_id_of_a_large_batch_can_be_resumed_from(listening: Client, sql: psycopg.Connection) -> None:
    """One transaction stores more than a page, so most ids are between two snapshots."""
    post(listening, "source")
    names = name_all("copy", 250)
    with open_events(listening) as events:
        copy_request(sql, "source", names)
        ids: list[str] = []
        for name in names:
            assert events.ids() == [name]
            ids.append(events.last_id or "")
        assert len(set(ids)) == len(ids)
    for index in (0, 98, 99, 100, 247, 248, 249):
        with open_events(listening, last_event_id=ids[index]) as events:
            post(listening, f"behind-{index}")
            received = events.ids(len(names) - index)
            behind = [f"behind-{before}" for before in (0, 98, 99, 100, 247, 248, 249) if before < index]
            assert received[: len(names) - index - 1] == names[index + 1 :]
            assert (received + events.ids(len(behind)))[len(names) - index - 1 :] == [*behind, f"behind-{index}"]


def test_missed_traces_are_filtered_and_hidden_like_others(listening: Client) -> None:
    post(listening, "ann-known", user="ann")
    with open_events(listening, key="ann") as events:
        last = events.last_id or ""
    post(listening, "bob-1", user="bob")
    post(listening, "ann-1", user="ann", model="m1")
    post(listening, "ann-2", user="ann", model="m2")
    with open_events(listening, key="ann", last_event_id=last) as events:
        assert events.ids(2) == ["ann-1", "ann-2"]
    with open_events(listening, "/logs/stream?model=m2", key="ann", last_event_id=last) as events:
        assert events.ids() == ["ann-2"]


def test_a_stream_resumes_after_a_killed_postgres_restarts() -> None:
    """A trace that another process stores right after the restart is not missed either."""
    # Commits must survive the kill, but not a loss of power.
    kept = {**TEST_SETTINGS, "synchronous_commit": "on"}
    with tempfile.TemporaryDirectory(prefix="stream-", ignore_cleanup_errors=True) as directory:
        data, log, address = (Path(directory) / name for name in ("data", "log", "address"))
        server = start_embedded(data, settings=kept)
        address.symlink_to(server.socket_dir)
        dsn = server.dsn.replace(str(server.socket_dir), str(address))
        settings = {"DATABASE_URL_DIRECT": dsn}
        try:
            migrate(dsn)
            with (
                server_process(log, dsn, **settings) as client,
                open_socket(client) as socket,
                open_events(client) as events,
            ):
                post(client, "before")
                assert receive_ids(socket) == events.ids() == ["before"]
                os.kill(server.pid, signal.SIGKILL)
                server.stop()
                server = start_embedded(data, settings=kept)
                address.unlink()
                address.symlink_to(server.socket_dir)
                post(client, *name_all("after", 3))
                assert receive_ids(socket, 3) == events.ids(3) == name_all("after", 3)
        finally:
            server.stop()


def post_all(client: Client, names: list[str], threads: int) -> None:
    workers = [threading.Thread(target=post, args=(client, *names[start::threads])) for start in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


@pytest.mark.parametrize("way", ["notified", "polling"])
def test_a_socket_on_one_process_receives_traces_of_another_in_order_and_once(
    databases: Databases, database_url: str, tmp_path: Path, way: str
) -> None:
    settings = {"DATABASE_URL_DIRECT": databases.reach(database_url)} if way == "notified" else {}
    one, other = (server_process(tmp_path / name, database_url, **settings) for name in ("one", "other"))
    with one as streaming, other as storing, open_socket(streaming) as socket, open_events(streaming) as events:
        pair = Pair(streaming, storing)
        names = name_all("trace", 200 if way == "notified" else 100)
        # The socket is read meanwhile, because its server ends it if a ping is not answered for 20 s.
        posting = threading.Thread(target=post, args=(pair.other, *names))
        posting.start()
        assert receive_ids(socket, len(names)) == events.ids(len(names)) == names
        posting.join()
        crowd = name_all("crowd", 100)
        post_all(pair.other, crowd, threads=5)
        told_ids = receive_ids(socket, len(crowd))
        assert sorted(told_ids) == crowd
        assert events.ids(len(crowd)) == told_ids
    for name in ("one", "other"):
        assert ADMIN_KEY not in (tmp_path / name).read_text()
