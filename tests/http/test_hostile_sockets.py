"""WebSockets and pipelines that are misused, and connections that are reset during an answer."""

import base64
import contextlib
import json
import os
import random
import socket
import struct
import time
from collections.abc import Callable

import pytest

from tests.support.bystanders import Others, Target, assert_bounded, attack_together
from tests.support.documents import make_document
from tests.support.keys import ADMIN_KEY

MB = 1_000_000
ATTACKERS = 20
KEY = base64.b64encode(os.urandom(16)).decode()
START = f"GET /logs/stream?api_key={ADMIN_KEY} HTTP/1.1\r\nHost: x\r\n"
UPGRADE = (
    f"{START}Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n"
)
DEFLATE = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
GET = f"GET /logs HTTP/1.1\r\nHost: x\r\nX-API-Key: {ADMIN_KEY}\r\n\r\n"
LARGE = f"GET /logs/large/trace HTTP/1.1\r\nHost: x\r\nX-API-Key: {ADMIN_KEY}\r\n\r\n"
EVENTS = f"{START}Accept: text/event-stream\r\n\r\n"
BODY = f"POST /v1/score HTTP/1.1\r\nHost: x\r\nX-API-Key: {ADMIN_KEY}\r\nContent-Length: 1000\r\n\r\n{{"


@pytest.fixture(scope="module", autouse=True)
def _large(server: Target) -> None:
    document = make_document("large", more=random.Random(3).randbytes(200_000).hex())
    headers = {"X-API-Key": ADMIN_KEY, "Content-Type": "application/json"}
    assert server.post("/v1/ingest", json.dumps(document).encode(), headers)[0] == 201


FRAMES = {
    "a frame of a terabyte": b"\x82\xff" + (1 << 40).to_bytes(8) + bytes(4) + b"x" * MB,
    "a frame of the largest size": b"\x82\xff" + b"\xff" * 8 + bytes(4) + b"x" * MB,
    "a frame of 1 MB": b"\x82\xff" + MB.to_bytes(8) + bytes(4) + b"x" * MB,
    "endless parts": b"\x02\x80\0\0\0\0" + b"\x00\xfe\x03\xe8\0\0\0\0" + b"x" * 1000 + b"\x00\x80\0\0\0\0" * 100_000,
    "compressed": b"\xc2\xfe\x03\xe8" + bytes(4) + b"\0" * 1000,
    "not a frame": b"\xff" * 2000,
    "not masked": b"\x02\x7e\x03\xe8" + b"x" * 1000,
}


@pytest.mark.parametrize("name", FRAMES)
def test_a_hostile_frame_closes_only_its_websocket(server: Target, name: str) -> None:
    def attack() -> None:
        with server.connect() as one:
            one.sendall(f"{UPGRADE}{DEFLATE}\r\n".encode())
            answer = one.recv(4096)
            assert answer.startswith(b"HTTP/1.1 101 ")
            assert b"permessage-deflate" not in answer.lower()
            with contextlib.suppress(OSError):
                one.sendall(FRAMES[name])
                while one.recv(4096):  # until the server closes
                    pass

    run(server, attack)


def run(server: Target, attack: Callable[[], None]) -> None:
    others, logged = Others(server), len(server.log.read_text(encoding="utf-8"))
    attack_together(others, attack, ATTACKERS)
    assert_bounded(server, others)
    log = server.log.read_text(encoding="utf-8")[logged:]
    assert "unexpected error" not in log
    assert "Traceback" not in log


def test_slow_handshakes_are_closed(server: Target) -> None:
    def attack() -> None:
        began = time.monotonic()
        with server.connect() as one, contextlib.suppress(OSError):
            for part in UPGRADE:
                one.sendall(part.encode())
                time.sleep(0.2)
                assert time.monotonic() - began < 15

    run(server, attack)


def test_an_upgrade_during_another_request_is_refused(server: Target) -> None:
    with server.connect() as one:
        one.sendall(f"{EVENTS}{UPGRADE}\r\n".encode())
        received = b""
        with contextlib.suppress(ConnectionResetError):
            while part := one.recv(4096):  # until the server closes
                received += part
        assert b"101 Switching" not in received


def reset(one: socket.socket) -> None:
    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    one.close()


@pytest.mark.parametrize(
    "requests",
    [
        LARGE,
        GET,
        EVENTS,
        BODY,
        f"{UPGRADE}\r\n",
        GET * 20,
        LARGE * 20,
        EVENTS + GET * 5,
        GET + BODY,
        GET + BODY + "x" * 20_000,
        f"{GET}{UPGRADE}\r\n",
        f"{EVENTS}{UPGRADE}\r\n",
    ],
    ids=[
        *("large", "feed", "events", "body", "websocket", "pipelined", "pipelined large", "events and more"),
        *("feed and body", "feed and long body", "feed and websocket", "events and websocket"),
    ],
)
def test_a_reset_connection_is_not_logged_as_an_error(server: Target, requests: str) -> None:
    def attack() -> None:
        for delay in (0, 0.001, 0.003, 0.01, 0.02, 0.05, 0.1, 0.3):
            one = server.connect()
            one.sendall(requests.encode())
            time.sleep(delay)
            reset(one)

    run(server, attack)


def test_a_refusal_reaches_a_client_that_still_sends_its_body(server: Target) -> None:
    """Clients such as urllib ask to close the connection, and fail if that happens before they have sent the body."""
    head = b"POST /v1/score HTTP/1.1\r\nHost: x\r\nX-API-Key: wrong\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
    with server.connect() as one:
        one.sendall(head % (20 * MB))
        answer = one.recv(4096)
        for _ in range(20):
            one.sendall(b"x" * MB)
        while part := one.recv(4096):
            answer += part
    assert answer.startswith(b"HTTP/1.1 401 ")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["code"] == 401
