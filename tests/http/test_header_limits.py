"""Heads: the server rejects long, large and slow ones early, and other callers do not wait."""

import contextlib
import resource
import socket
import threading
import time
from collections.abc import Generator
from pathlib import Path

import pytest

from functions.web.limits import BODY_PAUSE_S
from functions.web.refusals import HEAD_S, MAX_HEADERS, MAX_PIPELINED
from tests.support.bystanders import Others, Target, assert_bounded, run_server
from tests.support.databases import Databases
from tests.support.keys import ADMIN_KEY

ATTACK_BYTES = 100 * 1024 * 1024
ATTACKERS = 4
ATTACKS = 10
PIECE = b"x" * 65536
START = b"GET / HTTP/1.1\r\nHost: x\r\n"
STALLED = (
    f"POST /v1/score HTTP/1.1\r\nHost: x\r\nX-API-Key: {ADMIN_KEY}\r\n"
    "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
).encode()
LIVEZ = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"
CHUNKED = b"POST /v1/score HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.fixture(scope="module", autouse=True)
def idle(server: Target) -> Generator[socket.socket]:
    """A connection without a request, opened before all tests, so that its timeout passes during the others."""
    with server.connect(2 * HEAD_S) as one:
        yield one


@pytest.fixture(scope="module", autouse=True)
def stalled(server: Target) -> Generator[socket.socket]:
    """A connection with a part of a body, opened before all tests as well."""
    with server.connect(2 * BODY_PAUSE_S) as one:
        one.sendall(STALLED)
        yield one


@pytest.fixture(scope="module", autouse=True)
def kept(server: Target) -> Generator[socket.socket]:
    """A connection with a request that was answered before all tests."""
    with server.connect(2 * HEAD_S) as one:
        one.sendall(LIVEZ)
        assert one.recv(12) == b"HTTP/1.1 200"
        yield one


def send_until_closed(server: Target, start: bytes, piece: bytes) -> int:
    """Send until the server closes the connection, at most ATTACK_BYTES; return the number of bytes sent."""
    sent = 0
    with contextlib.suppress(OSError), server.connect() as one:
        one.sendall(start)
        while sent < ATTACK_BYTES:
            one.sendall(piece)
            sent += len(piece)
    return sent


def ask(server: Target, request: bytes) -> bytes:
    """Return everything that the server sends on a connection until it closes it."""
    with server.connect() as one:
        one.sendall(request)
        return read_all(one)


def read_all(one: socket.socket) -> bytes:
    received = b""
    with contextlib.suppress(ConnectionResetError):
        while piece := one.recv(65536):
            received += piece
    return received


@pytest.mark.parametrize(
    ("start", "piece"),
    [
        pytest.param(b"GET /", PIECE, id="URL"),
        pytest.param(START + b"X-Long: ", PIECE, id="header"),
        pytest.param(START, b"X-One: 1\r\n" * 6000, id="headers"),
        pytest.param(CHUNKED + b"0\r\n", b"X-One: 1\r\n" * 6000, id="trailers"),
        pytest.param(CHUNKED + b"0\r\nX-Long: ", PIECE, id="trailer"),
        pytest.param(CHUNKED + b"1;", PIECE, id="chunk extension"),
        pytest.param(b"", b"\r\n" * 32768, id="empty lines"),
        pytest.param(b"", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 5000, id="pipelined"),
    ],
)
def test_a_head_of_any_size_is_rejected_early(server: Target, start: bytes, piece: bytes) -> None:
    others, sent = Others(server), list[int]()
    with others.calling():
        attackers = [
            threading.Thread(
                target=lambda: sent.extend(send_until_closed(server, start, piece) for _ in range(ATTACKS))
            )
            for _ in range(ATTACKERS)
        ]
        for attacker in attackers:
            attacker.start()
        for attacker in attackers:
            attacker.join()
    assert max(sent) < ATTACK_BYTES / 4  # at most what fits into the kernel's buffers
    assert_bounded(server, others)


def test_the_error_says_what_is_too_large(server: Target) -> None:
    assert ask(server, b"GET /" + b"x" * 70_000).startswith(b"HTTP/1.1 431 ")
    assert ask(server, START + b"X-One: 1\r\n" * (MAX_HEADERS + 1) + b"\r\n").startswith(b"HTTP/1.1 431 ")
    legal = START + b"Connection: close\r\n" + b"X-One: 1\r\n" * (MAX_HEADERS - 2) + b"\r\n"
    assert not ask(server, legal).startswith(b"HTTP/1.1 431 ")


def test_pipelined_requests_are_answered_in_order(server: Target) -> None:
    request = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"
    last = b"GET /nowhere HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    answer = ask(server, request * (MAX_PIPELINED - 2) + last)
    assert answer.count(b"HTTP/1.1 200 ") == MAX_PIPELINED - 2
    assert b"HTTP/1.1 404 " in answer[answer.rindex(b"HTTP/1.1") :]


def test_incomplete_heads_are_closed(server: Target) -> None:
    others = Others(server)
    with others.calling(), contextlib.ExitStack() as stack:
        slow = [stack.enter_context(server.connect()) for _ in range(300)]
        began = time.monotonic()
        for number, one in enumerate(slow):
            one.sendall(START if number % 2 else b"\r\n")
        trickling = slow[0]
        with contextlib.suppress(OSError):  # further bytes do not extend the time limit
            while time.monotonic() - began < 2 * HEAD_S:
                trickling.sendall(b"\r\n")
                time.sleep(0.5)
        answers = [read_all(one) for one in slow]
        took = time.monotonic() - began
    assert took < 2 * HEAD_S
    assert all(answer.startswith(b"HTTP/1.1 408 ") for answer in answers[1::2])
    assert_bounded(server, others)


def test_the_connection_that_waits_longest_is_closed_first(databases: Databases, tmp_path: Path) -> None:
    url = databases.create("bounded_connections")
    with run_server(tmp_path, url) as server:
        others = Others(server)
        for pid in server.list_processes():
            resource.prlimit(pid, resource.RLIMIT_NOFILE, (512, 512))
        with others.calling(), contextlib.ExitStack() as stack:
            for _ in range(900):
                one = stack.enter_context(server.connect())
                one.sendall(START)
            for _ in range(5):
                began = time.monotonic()
                assert b" 200 " in ask(server, b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                assert time.monotonic() - began < 1
        assert_bounded(server, others)
    databases.drop("bounded_connections")


def test_a_body_that_stalls_is_answered_408(stalled: socket.socket) -> None:
    assert read_all(stalled).startswith(b"HTTP/1.1 408 ")


def test_a_connection_without_a_request_is_closed(idle: socket.socket) -> None:
    assert read_all(idle) == b""


def test_a_connection_with_an_answered_request_stays_open(idle: socket.socket, kept: socket.socket) -> None:
    assert read_all(idle) == b"", "HEAD_S have passed"
    kept.sendall(LIVEZ.replace(b"Host", b"Connection: close\r\nHost"))
    assert read_all(kept).count(b"HTTP/1.1 200 ") == 1  # the start of the first answer was read
