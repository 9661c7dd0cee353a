"""Bodies of a few kilobytes that decompress to much, or are costly to parse, affect only their sender."""

import contextlib
import gzip
import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from core.wire.zstandard import zstd
from tests.support.bystanders import Others, Target, assert_bounded, attack_together
from tests.support.keys import ADMIN_KEY

MB = 1_000_000
PATHS = ("/v1/score", "/v1/ingest")
ROUNDS = {"empty objects": 2}
"""Bodies at once for each path, otherwise one: they wait for each other in the same way, whatever they contain."""
CONNECTIONS = 400
TRACE = b'{"request":{"request_id":"r","created_ts":"2026-01-01T00:00:00Z"},"events":[],"more":'


BODIES = {
    "empty objects": lambda: b"[" + b"{}," * (74 * MB // 3) + b"{}]",
    "objects of one member": lambda: TRACE + b"[" + b'{"":1},' * (35 * MB // 7) + b"0]}",
    "malformed at its end": lambda: b'["' + b'some text, and more of it","' * (74 * MB // 28),
    "malformed trace": lambda: TRACE + b"[" + b"12345678901234567," * (70 * MB // 18) + b"}",
    "large numbers": lambda: b"[" + b"1e999," * (74 * MB // 6) + b"0]",
    "nested": lambda: b"[" * (74 * MB),
    "one text": lambda: b'"' + b"x" * (74 * MB) + b'"',
    "blanks": lambda: b" " * (74 * MB),
}


@pytest.mark.parametrize("name", BODIES)
def test_a_body_that_decompresses_to_much_affects_only_its_sender(server: Target, name: str) -> None:
    """Send the body to both paths at once."""
    paths = PATHS * ROUNDS.get(name, 1)
    body, others, statuses = zstd.compress(BODIES[name]()), Others(server), list[int]()
    headers = {"X-API-Key": ADMIN_KEY, "Content-Type": "application/json", "Content-Encoding": "zstd"}

    left = iter(paths)

    def attack() -> None:
        status, answer, _ = server.post(next(left), body, headers)
        statuses.append(status)
        assert status < 300 or json.loads(answer)["error"]

    attack_together(others, attack, len(paths))
    assert len(statuses) == len(paths)
    assert set(statuses) <= {200, 201, 400, 413, 503}  # a valid trace may be stored
    assert_bounded(server, others)


def test_many_bodies_that_end_at_once_affect_only_their_sender(server: Target) -> None:
    """Each is within the limit of its route, and none is complete until all have arrived."""
    text = b'{"messages":"' + b"x" * (MB - 15)
    head = f"POST /playground/inference HTTP/1.1\r\nHost: x\r\nX-API-Key: {ADMIN_KEY}\r\nContent-Length: {MB}\r\n\r\n"
    others, statuses = Others(server), list[bytes]()
    with others.calling(), contextlib.ExitStack() as stack, ThreadPoolExecutor(8) as threads:
        senders = [stack.enter_context(server.connect()) for _ in range(CONNECTIONS)]
        list(threads.map(socket.socket.sendall, senders, [head.encode() + text] * CONNECTIONS))
        for one in senders:
            with contextlib.suppress(OSError):
                one.sendall(b'"}')
        statuses += [one.recv(12)[9:] for one in senders]
    assert set(statuses) <= {b"400", b"503"}
    assert_bounded(server, others)


def test_empty_gzip_members_cost_only_their_bytes(server: Target) -> None:
    body = gzip.compress(b"") * 90 + gzip.compress(b"{" + b"x" * (70 * MB), 0)
    others = Others(server)
    headers = {"X-API-Key": ADMIN_KEY, "Content-Type": "application/json", "Content-Encoding": "gzip"}
    with others.calling():
        began = time.monotonic()
        status, _, _ = server.post("/v1/score", body, headers)
        assert time.monotonic() - began < 4
    assert status == 400
    assert_bounded(server, others)
