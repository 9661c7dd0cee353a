"""Connections that are closed while idle, silent or all in use, and a slow network that drops packets."""

import os
import random
import re
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from tests.faults.conftest import Faulty
from tests.support.client import Answer
from tests.support.posters import NO_ANSWER, Poster, assert_whole, small
from tests.support.processes import Server, list_children, served
from tests.support.proxy import Proxy

POOL_SIZE = 10
REFUSED = 6
REQUESTS = 100
ENGINE_PATIENCE_SECONDS = 25
WAIT_SECONDS = 30
SESSIONS = "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"


def fill_pool(server: Server, faulty: Faulty) -> None:
    """Make the server open as many connections as it may, and leave them idle."""
    with psycopg.connect(faulty.dsn) as conn, ThreadPoolExecutor(POOL_SIZE) as threads:
        conn.execute("lock table requests in access exclusive mode")
        reads = [threads.submit(server.client.get, "/logs") for _ in range(POOL_SIZE)]
        deadline = time.monotonic() + WAIT_SECONDS
        while conn.execute(SESSIONS).fetchone() != (POOL_SIZE,):
            assert time.monotonic() < deadline, "the pool does not fill"
            time.sleep(0.01)
            conn.execute("select pg_stat_clear_snapshot()")
        conn.rollback()
        assert {read.result(WAIT_SECONDS).status for read in reads} == {200}


def terminate(faulty: Faulty) -> None:
    with psycopg.connect(faulty.dsn) as conn:
        conn.execute(
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid()"
        )


CUTS: dict[str, Callable[[Faulty], None]] = {
    "terminated by the server": terminate,
    "reset": lambda faulty: faulty.proxy.cut(),
    "silent": lambda faulty: faulty.proxy.silence(),
}


@pytest.mark.parametrize("cut", CUTS)
def test_connections_closed_while_idle_cost_no_request(faulty: Faulty, tmp_path: Path, cut: str) -> None:
    with served(tmp_path / "log", faulty.url, DATABASE_POOL_SIZE=str(POOL_SIZE)) as server:
        poster = Poster(server.client)
        fill_pool(server, faulty)
        CUTS[cut](faulty)
        with ThreadPoolExecutor(2) as threads:
            posting = threads.submit(poster.post, small("first"))
            reading = threads.submit(server.client.get, "/logs")
            assert reading.result(WAIT_SECONDS).status == 200
            posting.result(WAIT_SECONDS)
        for index in range(POOL_SIZE):
            assert server.client.get("/logs").status == 200
            poster.post(small(f"r{index}"))
        assert set(poster.statuses) == {201}, poster.summary
        assert_whole(server.client, faulty.dsn, poster.acknowledged.values())


def test_an_exhausted_pool_answers_503_and_recovers(faulty: Faulty, tmp_path: Path) -> None:
    with (
        served(tmp_path / "log", faulty.url, DATABASE_POOL_SIZE="1") as server,
        ThreadPoolExecutor(8) as threads,
        psycopg.connect(faulty.dsn) as other,
    ):
        poster = Poster(server.client)
        poster.post_until_stored(small("r1"))
        other.execute("select 1 from requests where request_id = 'r1' for update")
        held = threads.submit(poster.post, small("r1"))
        wait_for_lock(other)
        began = time.monotonic()
        refused = [threads.submit(server.client.get, "/logs") for _ in range(REFUSED // 2)]
        refused += [threads.submit(server.client.ingest, small(f"other-{index}")) for index in range(REFUSED // 2)]
        assert server.client.request("GET", "/health").status == 503
        assert server.client.request("GET", "/livez").status == 200
        for answer in (one.result(WAIT_SECONDS) for one in refused):
            assert (answer.status, "retry-after" in answer.headers) == (503, True)
            assert re.match("connections: your other requests|database: has no free connection", answer.json["error"])
        assert time.monotonic() - began < WAIT_SECONDS
        assert not held.done(), "the transaction that held the connection still waits"
        other.rollback()
        assert status_of(held.result(WAIT_SECONDS)) == 201
        assert server.client.get("/logs").status == 200
        poster.post(small("afterwards"))
        assert poster.revisions == {"r1": 2, "afterwards": 1}
        assert_whole(server.client, faulty.dsn, poster.acknowledged.values())


def test_a_postgres_that_hangs_is_answered_for_before_the_engine_gives_up(faulty: Faulty, tmp_path: Path) -> None:
    with served(tmp_path / "log", faulty.url) as server, ThreadPoolExecutor(4) as threads:
        server.pool.connection_pool_kw["timeout"] = ENGINE_PATIENCE_SECONDS
        poster = Poster(server.client)
        poster.post_until_stored(small("before"))
        hanging = [faulty.server.pid, *list_children(faulty.server.pid)]
        for pid in hanging:
            os.kill(pid, signal.SIGSTOP)
        try:
            posts = [threads.submit(poster.post, small(f"during-{index}")) for index in range(2)]
            reads = [threads.submit(server.client.get, "/logs") for _ in range(2)]
            assert {status_of(one.result()) for one in (*posts, *reads)} == {503}, poster.summary
        finally:
            for pid in hanging:
                os.kill(pid, signal.SIGCONT)
        poster.post(small("after"))
        assert poster.statuses == {201: 2, 503: 2}, poster.summary
        assert_whole(server.client, faulty.dsn, poster.acknowledged.values())


def wait_for_lock(conn: psycopg.Connection) -> None:
    query = "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    deadline = time.monotonic() + WAIT_SECONDS
    while conn.execute(query).fetchone() is None:
        assert time.monotonic() < deadline, "no session waits for a lock"
        conn.execute("select pg_stat_clear_snapshot()")
        time.sleep(0.01)


def status_of(answer: Answer | None) -> int:
    return answer.status if answer else NO_ANSWER


PLACES = {"between Thunder and Postgres": 0.01, "between the client and Thunder": 0.05}
"""The share of packets that reset their connection. One ingest takes about six packets there, and two here."""


@pytest.mark.parametrize("where", PLACES)
def test_a_slow_network_that_drops_connections(faulty: Faulty, tmp_path: Path, where: str) -> None:
    """Each packet takes 50 ms longer; 5 % of new connections are reset at once, and 5 % of ingests in the middle."""
    before_postgres = where == "between Thunder and Postgres"
    documents = [small(f"r{index}") for index in range(REQUESTS)]
    with (
        served(tmp_path / "log", faulty.url) as server,
        Proxy(lambda: server.port, chance=random.Random(1)) as front,
        ThreadPoolExecutor(8) as threads,
    ):
        lossy = faulty.proxy if before_postgres else front
        lossy.delay_s, lossy.refused, lossy.dropped = 0.05, 0.05, PLACES[where]
        poster = Poster(server.client if before_postgres else server.client_at(front.port))
        list(threads.map(poster.post_until_stored, documents))
        lossy.delay_s = lossy.refused = lossy.dropped = 0
        assert len(poster.acknowledged) == REQUESTS
        assert set(poster.statuses) <= {201, 503 if before_postgres else NO_ANSWER}, poster.summary
        assert lossy.resets >= 5
        assert_whole(server.client, faulty.dsn, documents)
