"""The stream: from the commit of a trace to its message at the clients.

The floor is a connection that listens to the same commits. They are not flushed to disk, because that would take longer
than everything else and is the same for both.
"""

import multiprocessing
import os
import re
import select
import socket
import time
from base64 import b64encode
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from urllib.parse import urlsplit

import psycopg

from tests.bench.case import Case, Group
from tests.bench.fill import copy_request
from tests.bench.measure import MS, Check, Measured
from tests.bench.payload import build_trace, with_id
from tests.bench.stage import ADMIN_KEY, Server, Stage, connect, new_id

FORK = multiprocessing.get_context("fork")
MAX_MS = {1: 1.5, 100: 4.0}
"""The goal for the median, by the number of clients."""
FLOOR = "from the same commits to a connection that listens"
BETWEEN_S = 0.04
"""Pause between two commits, because the server rests for 20 ms after a query."""
WAIT_S = 30
REQUEST_ID = re.compile(rb'"request_id":"(stream-\d+)"')
Arrivals = dict[str, list[float]]
Ready = Callable[[], object]


@dataclass(frozen=True)
class Scene:
    """A server with one trace, which is stored repeatedly."""

    stage: Stage
    server: Server
    conn: psycopg.Connection
    source: str


@contextmanager
def open_scene(stage: Stage) -> Generator[Scene]:
    """Start a server, and a connection whose commits do not wait for the disk."""
    server, source = stage.main, new_id()
    server.ingest(with_id(build_trace(60), source))
    with connect(server.dsn) as conn:
        conn.execute("set synchronous_commit = off")
        yield Scene(stage, server, conn, source)


def deliver(clients: int, scene: Scene) -> Measured:
    """Commit, and measure when each client receives the trace."""
    first = scene.conn.execute("select count(*)::int from requests").fetchone()
    names = [f"stream-{(first or (0,))[0]}{number:04}" for number in range(scene.stage.choose(100, 20))]
    with (
        run_watcher(partial(watch_sockets, scene.server.url, clients, len(names))) as streams,
        run_watcher(partial(watch_channel, scene.server.dsn, len(names))) as channel,
    ):
        commits = {name: commit(scene, name) for name in names}
        streamed, heard = streams.recv(), channel.recv()
    measured = Measured(find_delays(commits, streamed), find_delays(commits, heard))
    goal = MAX_MS[clients]
    measured.checks.append(Check(f"at most {goal:g} ms", measured.median <= goal))
    return measured


def commit(scene: Scene, name: str) -> float:
    """Store a copy under this name, and return the time of its commit."""
    scene.conn.execute("begin")
    copy_request(scene.conn, scene.source, name)
    scene.conn.execute("select pg_notify('thunder_logs', %s)", [name])
    at = time.monotonic()
    scene.conn.execute("commit")
    time.sleep(BETWEEN_S)
    return at


def find_delays(commits: dict[str, float], arrivals: Arrivals) -> list[float]:
    """Return the milliseconds from each commit to each of its arrivals."""
    return [MS * (at - commits[name]) for name, times in arrivals.items() for at in times]


@contextmanager
def run_watcher(watch: Callable[[Ready], Arrivals]) -> Generator[Connection]:
    """Run a watcher in its own process. It sends the arrivals through the pipe."""
    receiver, sender = FORK.Pipe(duplex=False)

    def work() -> None:
        sender.send(watch(lambda: sender.send("ready")))

    process = FORK.Process(target=work, daemon=True)
    process.start()
    sender.close()
    try:
        if receiver.recv() != "ready":
            raise RuntimeError("the watcher is not ready")
        yield receiver
    finally:
        process.kill()
        process.join()


def watch_channel(dsn: str, count: int, ready: Ready) -> Arrivals:
    """Listen as the server does."""
    arrivals: Arrivals = {}
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute("listen thunder_logs")
        ready()
        for notification in conn.notifies(timeout=WAIT_S):
            if notification.payload:
                arrivals[notification.payload] = [time.monotonic()]
            if len(arrivals) == count:
                break
    return arrivals


def watch_sockets(url: str, clients: int, count: int, ready: Ready) -> Arrivals:
    """Hold this number of WebSockets and record the time at which each receives the name of a trace."""
    arrivals: Arrivals = {}
    with ExitStack() as stack:
        sockets = {one.fileno(): one for one in (stack.enter_context(open_socket(url)) for _ in range(clients))}
        poll, parts, missing = select.epoll(), dict.fromkeys(sockets, b""), clients * count
        for number in sockets:
            poll.register(number, select.EPOLLIN)
        ready()
        while missing:
            events = poll.poll(WAIT_S)
            if not events:
                raise RuntimeError(f"{missing} messages did not come")
            for number, _ in events:
                parts[number] += sockets[number].recv(1 << 16)
                at = time.monotonic()
                for found in REQUEST_ID.finditer(parts[number]):
                    arrivals.setdefault(found[1].decode(), []).append(at)
                    missing -= 1
                    parts[number] = parts[number][found.end() :]
    return arrivals


def open_socket(url: str) -> socket.socket:
    """Open a WebSocket of the stream up to its handshake."""
    parts = urlsplit(url)
    opened = socket.create_connection((parts.hostname, parts.port), timeout=WAIT_S)
    lines = (
        f"GET /logs/stream?api_key={ADMIN_KEY} HTTP/1.1",
        f"Host: {parts.netloc}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {b64encode(os.urandom(16)).decode()}",
        "Sec-WebSocket-Version: 13",
    )
    opened.sendall("\r\n".join([*lines, "", ""]).encode())
    answer = opened.recv(4096)
    if not answer.startswith(b"HTTP/1.1 101"):
        raise RuntimeError(f"no WebSocket: {answer!r}")
    return opened


GROUP = Group(
    "stream",
    open_scene,
    [
        Case(
            f"stream, commit to delivery, {clients} client{'s' if clients > 1 else ''}",
            FLOOR,
            partial(deliver, clients),
        )
        for clients in MAX_MS
    ],
)
