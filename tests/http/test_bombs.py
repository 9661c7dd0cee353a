"""Bodies of a few kilobytes that decompress to 70 MB in each accepted form, and small bodies that are costly."""

import pytest

from tests.support.bombs import BOMBS, CANDIDATES, JSON, MB, TOKEN, pack_bomb, repeat
from tests.support.bystanders import Others, Target, assert_bounded, attack_together
from tests.support.keys import ADMIN_KEY

ATTACKERS = 2
TOGETHER = ("list of large items", "stream of chunks", "envelope of a stream", "protobuf of spans")
"""Forms of which two bodies are sent at once: one for each way to process a body. test_body_limits.py sends four."""
PATHS = ("/v1/score", "/v1/ingest")


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_in_any_form_affects_only_its_sender(server: Target, name: str) -> None:
    path, body, headers = pack_bomb(name)
    others, statuses = Others(server), list[int]()
    attackers = ATTACKERS if name in TOGETHER else 1
    attack_together(others, lambda: statuses.append(server.post(path, body, headers)[0]), attackers)
    assert_answered(server, others, statuses, attackers)


def assert_answered(server: Target, others: Others, statuses: list[int], count: int) -> None:
    assert len(statuses) == count
    assert set(statuses) <= {200, 201, 207, 400, 413, 503}, server.log.read_text(encoding="utf-8")[-5000:]
    assert_bounded(server, others)


MANY = "140 000 tokens"
"""A body whose answer has 83 MB. One is enough."""
SMALL = {
    MANY: lambda: b'{"tokens":[' + TOKEN * 140_000 + b"{}]}",
    "4 MB of objects": lambda: b'{"tokens":[' + repeat(b"{},", 4 * MB) + b"{}]}",
    "4 MB of texts": lambda: b'{"tokens":[' + repeat(b'"",', 4 * MB) + b'""]}',
    "4 MB of numbers": lambda: b'{"tokens":[' + repeat(b"1,", 4 * MB) + b"1]}",
    "4 MB of large numbers": lambda: b'{"tokens":[' + repeat(b"1e999,", 4 * MB) + b"1]}",
    "4 MB of escapes": lambda: b'{"tokens":["' + repeat(b"\\ud800", 4 * MB) + b'"]}',
    "4 MB of digits": lambda: b'{"tokens":[' + b"1" * (4 * MB) + b"]}",
    "4 MB of brackets": lambda: b"[" * (4 * MB),
    "nested objects": lambda: b'{"a":' * 800_000,
    "nested as deeply as allowed": lambda: b'{"tokens":[' + repeat(b"[" * 400 + b"]" * 400 + b",", 4 * MB) + b"1]}",
    "4 MB of lines in a text": lambda: b'{"response":"' + repeat(rb"\n", 4 * MB) + b'"}',
    "4 MB of carriage returns in a text": lambda: b'{"response":"' + repeat(rb"\r", 4 * MB) + b'"}',
    "4 MB of keys": lambda: b"{" + b",".join(b'"%d":1' % i for i in range(400_000)) + b"}",
    "60 000 tokens": lambda: b'{"tokens":[' + TOKEN * 59_000 + b"{}]}",
    "1024 candidates": lambda: (
        b'{"tokens":[' + b",".join([b'{"token":0,"logprob":-8,"top_tokens":[' + CANDIDATES + b"]}"] * 58) + b"]}"
    ),
}


@pytest.mark.parametrize("name", SMALL)
def test_a_small_body_that_is_costly_delays_nobody(server: Target, name: str) -> None:
    body, others, statuses = SMALL[name](), Others(server), list[int]()
    paths = PATHS[:1] if name == MANY else PATHS
    left = iter(paths)
    headers = {"X-API-Key": ADMIN_KEY, "Content-Type": JSON}
    attack_together(others, lambda: statuses.append(server.post(next(left), body, headers)[0]), len(paths))
    assert_answered(server, others, statuses, len(paths))
    assert not name.endswith(("tokens", "candidates")) or set(statuses) <= {200, 201}, "a valid body was refused"
