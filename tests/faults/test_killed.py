"""Postgres and the server killed with SIGKILL, at random and at the worst moments."""

import itertools
import json
import random
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from tests.faults.conftest import Faulty
from tests.support.client import Answer
from tests.support.posters import NO_ANSWER, Poster, assert_whole, count_requests, id_of, mixed, small
from tests.support.processes import Server, served
from tests.support.proxy import Proxy

WAIT_SECONDS = 30
CLIENTS = 4
KILLS = 5
LOST_ANSWERS = 3
OUTAGE_SECONDS = 15
BATCH_LINES = 60
TRACES = 500
LEAST_KILLS = 4
"""Kills of each: Postgres and the server take turns."""
IS_STORED = "select 1 from requests where request_id = 'unanswered'"
IS_WAITING = "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
IS_QUIET = """
select 1 where not exists (
    select 1 from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid() and state <> 'idle'
)
"""


def wait_until(faulty: Faulty, query: str) -> None:
    """Wait until a query, sent without the server, finds a row."""
    deadline = time.monotonic() + WAIT_SECONDS
    with psycopg.connect(faulty.dsn, autocommit=True) as conn:
        while conn.execute(query.encode()).fetchone() is None:
            assert time.monotonic() < deadline, query
            time.sleep(0.005)


def test_postgres_killed_during_an_ingest(faulty: Faulty, tmp_path: Path) -> None:
    with served(tmp_path / "log", faulty.url) as server, ThreadPoolExecutor(CLIENTS) as threads:
        pid = server.process and server.process.pid
        poster = Poster(server.client)
        numbers = itertools.count()
        enough = threading.Event()

        def keep_posting() -> None:
            while not enough.is_set():
                poster.post_until_stored(small(f"during-{next(numbers)}"))

        work = [threads.submit(keep_posting) for _ in range(CLIENTS)]
        try:
            for _ in range(KILLS):
                time.sleep(0.2)
                faulty.proxy.hold_after = b"during-"  # prepared statements are sent without their text
                assert faulty.proxy.held.wait(WAIT_SECONDS), poster.summary
                faulty.kill()
                faulty.proxy.hold_after = None
                faulty.proxy.held.clear()
                faulty.restart()
        finally:
            faulty.proxy.hold_after = None
            enough.set()
        for one in work:
            one.result(WAIT_SECONDS * 2)
        assert set(poster.statuses) == {201, 503}, poster.summary
        # The pool repeats its check of a connection, so one kill may go unnoticed.
        assert poster.statuses[503] >= KILLS - 1
        assert server.process
        assert server.process.pid == pid
        assert_whole(server.client, faulty.dsn, poster.acknowledged.values())


VICTIMS = ("postgres", "server")


@pytest.mark.parametrize("victim", VICTIMS)
def test_killed_while_a_trace_is_being_stored(faulty: Faulty, tmp_path: Path, victim: str) -> None:
    """The commit is sent with the statements, so a trace may be stored although its server is killed."""
    with served(tmp_path / "log", faulty.url) as server, ThreadPoolExecutor(1) as thread:
        poster = Poster(server.client)
        poster.post_until_stored(small("earlier"))
        document = small("r1")
        lock = psycopg.connect(faulty.dsn)
        lock.execute("lock table request_traces")
        answering = thread.submit(poster.post, document)
        wait_until(faulty, IS_WAITING)
        stored = count_requests_after_kill(faulty, server, answering, victim)
        lock.close()
        wait_until(faulty, IS_QUIET)
        stored |= {count_requests(faulty.dsn)}
        assert stored <= ({1} if victim == "postgres" else {1, 2})
        poster.post_until_stored(document)
        assert poster.revisions["r1"] == max(stored)
        assert server.client.log("r1")["revision"] == poster.revisions["r1"]
        assert_whole(server.client, faulty.dsn, poster.acknowledged.values())


@pytest.mark.parametrize("victim", VICTIMS)
def test_killed_between_the_commit_and_the_answer(faulty: Faulty, tmp_path: Path, victim: str) -> None:
    with served(tmp_path / "log", faulty.url) as server, ThreadPoolExecutor(1) as thread:
        poster = Poster(server.client)
        poster.post_until_stored(small("earlier"))
        document = small("unanswered")
        faulty.proxy.hold_after = b"unanswered"
        answering = thread.submit(poster.post, document)
        assert faulty.proxy.held.wait(WAIT_SECONDS)
        wait_until(faulty, IS_STORED)
        faulty.proxy.hold_after = None
        assert count_requests_after_kill(faulty, server, answering, victim) == {2}
        poster.post_until_stored(document)
        assert poster.revisions["unanswered"] == 2
        assert server.client.log("unanswered")["revision"] == 2
        assert_whole(server.client, faulty.dsn, poster.acknowledged.values())


def count_requests_after_kill(
    faulty: Faulty, server: Server, answering: Future[Answer | None], victim: str
) -> set[int]:
    """Kill Postgres or the server during an answer, restart it, and return the number of stored requests."""
    if victim == "postgres":
        faulty.kill()
        answer = answering.result(WAIT_SECONDS)
        assert answer is not None
        assert answer.status == 503
        faulty.restart()
    else:
        server.kill()
        assert answering.result(WAIT_SECONDS) is None
        server.start()
    return {count_requests(faulty.dsn)}


def test_server_killed_after_a_lost_answer(faulty: Faulty, tmp_path: Path) -> None:
    with served(tmp_path / "log", faulty.url) as server, Proxy(lambda: server.port, on_answer=server.kill) as lossy:
        poster = Poster(server.client_at(lossy.port))
        for turn in range(LOST_ANSWERS):
            assert poster.post(small(f"r{turn}")) is None
            server.start()
            assert count_requests(faulty.dsn) == turn + 1
            again = Poster(server.client)
            again.post_until_stored(small(f"r{turn}"))
            assert again.revisions == {f"r{turn}": 2}
        assert_whole(server.client, faulty.dsn, [small(f"r{turn}") for turn in range(LOST_ANSWERS)])


def test_a_long_outage_ends_when_postgres_is_back(faulty: Faulty, tmp_path: Path) -> None:
    """By then, the pool's own pauses would have grown to 15 s."""
    with served(tmp_path / "log", faulty.url) as server, ThreadPoolExecutor(1) as thread:
        poster = Poster(server.client)
        poster.post_until_stored(small("before"))
        faulty.kill()
        during = thread.submit(poster.post, small("during"))
        assert server.client.request("GET", "/health").status == 503
        time.sleep(OUTAGE_SECONDS)
        assert during.done()
        faulty.restart()
        poster.post(small("after"))
        assert poster.statuses == {201: 2, 503: 1}, poster.summary
        assert_whole(server.client, faulty.dsn, poster.acknowledged.values())


def test_acknowledged_lines_of_a_batch_are_stored(faulty: Faulty, tmp_path: Path) -> None:
    documents = [small(f"r{index}") for index in range(BATCH_LINES)]
    body = b"\n".join(json.dumps(document).encode() for document in documents)
    with served(tmp_path / "log", faulty.url) as server, ThreadPoolExecutor(1) as thread:
        posted = thread.submit(server.client.post_bytes, "/v1/ingest", body, content_type="application/x-ndjson")
        wait_until(faulty, "select 1 from requests offset 9")
        faulty.kill()
        answer = posted.result(WAIT_SECONDS)
        assert answer.status == 207
        statuses = [line["status"] for line in answer.json["results"]]
        count = statuses.count(201)
        assert 10 <= count < BATCH_LINES
        assert statuses == [201] * count + [503] * (BATCH_LINES - count)
        faulty.restart()
        assert count_requests(faulty.dsn) in (count, count + 1), "one line may be stored but not acknowledged"
        assert_whole(server.client, faulty.dsn, documents[:count], alone=False)
        again = server.client.post_bytes("/v1/ingest", body, content_type="application/x-ndjson")
        assert {line["status"] for line in again.json["results"]} == {201}
        assert_whole(server.client, faulty.dsn, documents)


def test_500_acknowledged_traces_survive_random_kills(faulty: Faulty, tmp_path: Path) -> None:
    chance = random.Random(6)
    documents = mixed("r", TRACES)
    with served(tmp_path / "log", faulty.url) as server, ThreadPoolExecutor(CLIENTS) as threads:
        poster = Poster(server.client)
        work = [threads.submit(poster.post_until_stored, document) for document in documents]
        kills = {"postgres": 0, "server": 0}
        while not all(one.done() for one in work):
            wanted = len(poster.acknowledged) + chance.randint(30, 60)
            while len(poster.acknowledged) < wanted and not all(one.done() for one in work):
                time.sleep(0.001)
            time.sleep(chance.uniform(0, 0.03))
            if all(one.done() for one in work):
                break
            if kills["postgres"] <= kills["server"]:
                kills["postgres"] += 1
                faulty.kill()
                faulty.restart()
            else:
                kills["server"] += 1
                server.kill()
                server.start()
        for one in work:
            one.result()
        assert len(poster.acknowledged) == TRACES
        assert set(poster.statuses) <= {201, 503, NO_ANSWER}, poster.summary
        assert min(kills.values()) >= LEAST_KILLS, kills
        for document in documents:
            name = id_of(document)
            assert 1 <= poster.revisions[name] <= poster.tries[name]
        assert_whole(server.client, faulty.dsn, documents)
