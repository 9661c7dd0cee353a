"""Clients that do not read: their connections are closed, memory stays bounded, and other callers do not wait."""

import base64
import contextlib
import json
import os
import random
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from functions.web.unread import UNREAD_S
from tests.support.bystanders import HOST, Others, Target, assert_bounded
from tests.support.documents import make_document
from tests.support.keys import ADMIN_KEY

MB = 1_000_000
DIGITS = random.Random(5).randbytes(5 * MB).hex()
"""Text that compresses to half its size and exceeds the buffers of the kernel."""
USER = "key-of-a-user-that-does-not-read"
CONNECTIONS = 20
PATIENCE_S = 2 * UNREAD_S + 25
"""Seconds until all such connections are closed. A WebSocket is pinged first."""
PAUSE_S = 0.3
"""The pause between two requests of the other callers, because these attacks last long."""
JSON = {"Content-Type": "application/json", "X-API-Key": ADMIN_KEY}
LOG = f"GET /logs/unread/trace HTTP/1.1\r\nHost: x\r\nX-API-Key: {USER}\r\nConnection: close\r\n\r\n"
"""A connection whose call is refused, because too many bytes are held, closes after the answer."""
EVENTS = (
    f"GET /logs/stream?last_event_id=1:1: HTTP/1.1\r\nHost: x\r\nX-API-Key: {USER}\r\nAccept: text/event-stream\r\n\r\n"
)
UPGRADE = (
    f"GET /logs/stream?api_key={USER} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}\r\n\r\n"
)


@pytest.fixture(scope="module", autouse=True)
def _large(server: Target) -> None:
    assert post(server, "unread", more=DIGITS) == 201


def post(server: Target, request_id: str, *, text: str | None = None, more: str = "") -> int:
    document = make_document(request_id, request={"final_text": text, "user_api_key": USER}, more=more)
    return server.post("/v1/ingest", json.dumps(document).encode(), JSON)[0]


def open_deaf(server: Target, request: str) -> socket.socket:
    """Send a request without reading the answer."""
    one = socket.socket()
    one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    one.settimeout(30)
    one.connect((HOST, server.port))
    one.sendall(request.encode())
    return one


def count_open(server: Target, connections: list[socket.socket]) -> int:
    """Count the connections that a process of the server still has."""
    return len(server.find_workers(connections))


def await_closed(server: Target, connections: list[socket.socket]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while count_open(server, connections):
        assert time.monotonic() < deadline, f"{count_open(server, connections)} connections are still open"
        time.sleep(0.5)


def attack(server: Target, request: str, feed: Callable[[], object] = lambda: None) -> None:
    others = Others(server, pause_s=PAUSE_S)
    with others.calling(), contextlib.ExitStack() as stack, ThreadPoolExecutor(CONNECTIONS) as threads:
        opened = list(threads.map(open_deaf, [server] * CONNECTIONS, [request] * CONNECTIONS))
        for one in opened:
            stack.enter_context(one)
        feed()
        time.sleep(2)
        await_closed(server, opened)
    assert_bounded(server, others)


def feed_streams(server: Target) -> None:
    for number in range(16):
        assert post(server, f"r{number}", text=DIGITS[number : number + MB]) == 201


def test_unread_answers_are_abandoned(server: Target) -> None:
    attack(server, LOG)


@pytest.mark.parametrize("request_text", [EVENTS, UPGRADE], ids=["events", "websocket"])
def test_unread_streams_are_abandoned(server: Target, request_text: str) -> None:
    attack(server, request_text, lambda: feed_streams(server))


def test_a_slow_client_gets_all_of_a_large_answer(server: Target) -> None:
    with open_deaf(server, LOG) as one:
        began, received = time.monotonic(), 0
        while time.monotonic() - began < UNREAD_S + 5:  # slower than the server writes, faster than its limit
            received += len(one.recv(16 * 1024))
            time.sleep(0.1)
        while received < len(DIGITS):
            part = one.recv(MB)
            assert part
            received += len(part)


PING = b"\x89\x80\0\0\0\0"
EMPTY_START, EMPTY_PART = b"\x01\x80\0\0\0\0", b"\x00\x80\0\0\0\0"


@pytest.mark.parametrize(
    "frames",
    [PING * 200_000, EMPTY_START + EMPTY_PART * 200_000, EMPTY_START + EMPTY_PART * 100],
    ids=["pings", "parts", "few parts"],
)
def test_a_websocket_that_sends_too_much_is_closed(server: Target, frames: bytes) -> None:
    others = Others(server)
    with others.calling(), open_deaf(server, UPGRADE) as one:
        assert one.recv(1024).startswith(b"HTTP/1.1 101 ")
        with contextlib.suppress(OSError):
            one.sendall(frames)
        await_closed(server, [one])
    assert_bounded(server, others)


def test_a_websocket_that_sends_little_stays_open(server: Target) -> None:
    with open_deaf(server, UPGRADE) as one:
        assert one.recv(1024).startswith(b"HTTP/1.1 101 ")
        one.sendall(PING * 100)
        answers = b""
        while len(answers) < 2 * 100:
            answers += one.recv(1024)
        assert count_open(server, [one]) == 1
