"""Bodies of a few kilobytes that decompress to 70 MB in each accepted form, and small bodies that are costly."""

import gzip
import json
from collections.abc import Generator

import pytest

from core.wire.zstandard import zstd
from tests.support.bystanders import Others, Target, assert_bounded, attack_together, run_server
from tests.support.databases import Databases
from tests.support.keys import ADMIN_KEY

MB = 1_000_000
SIZE = 70 * MB
ATTACKERS = 3
TOKEN = b'{"token":"x","logprob":-1.0},'
LOGPROBS = b'{"content":[{"token":"x","logprob":-1.0}]}'
EVENT = b'data: {"choices":[{"index":0,"delta":{"content":"x"},"logprobs":%s}]}\n\n' % LOGPROBS
LINE = b'{"request":{"request_id":"r","created_ts":"2026-01-01T00:00:00Z"},"events":[]}\n'
SPANS, NO_MORE_SPANS = b'{"resourceSpans":[{"scopeSpans":[{"spans":[', b"{}]}]}]}"
SPAN = b'{"traceId":"%s","spanId":"%s","attributes":[{"key":"gen_ai.request.model","value":{"stringValue":"m"}}]},' % (
    b"1" * 32,
    b"2" * 16,
)
JSON, NDJSON, SSE, PROTOBUF = "application/json", "application/x-ndjson", "text/event-stream", "application/x-protobuf"


def repeat(piece: bytes, size: int = SIZE) -> bytes:
    return piece * (size // len(piece))


def write_field(number: int, content: bytes) -> bytes:
    """Return a length-delimited field of a protobuf message."""
    size, digits = len(content), bytearray()
    while size > 127:
        digits.append(size & 127 | 128)
        size >>= 7
    return bytes([number << 3 | 2, *digits, size]) + content


def write_export(spans: bytes) -> bytes:
    return write_field(1, write_field(2, spans))


ONE_SPAN = write_field(2, write_field(1, b"1" * 16) + write_field(2, b"2" * 8))
BOMBS = {
    "ndjson of objects": ("/v1/ingest", NDJSON, lambda: repeat(b"{}\n")),
    "ndjson of blank lines": ("/v1/ingest", NDJSON, lambda: repeat(b"\n")),
    "ndjson of large lines": ("/v1/ingest", NDJSON, lambda: repeat(b"[" + b"{}," * 300_000 + b"{}]\n")),
    "ndjson of traces": ("/v1/ingest", NDJSON, lambda: repeat(LINE)),
    "list of objects": ("/v1/ingest", JSON, lambda: b"[" + repeat(b"{},") + b"{}]"),
    "list of lists": ("/v1/ingest", JSON, lambda: b"[" + repeat(b"[],") + b"[]]"),
    "list of large items": (
        "/v1/ingest",
        JSON,
        lambda: b"[" + repeat(b'{"a":[' + b"{}," * 300_000 + b"{}]},") + b"{}]",
    ),
    "stream of chunks": ("/v1/ingest", SSE, lambda: repeat(EVENT)),
    "stream of empty events": ("/v1/ingest", SSE, lambda: repeat(b"data:1\n\n")),
    "stream of line ends": ("/v1/ingest", SSE, lambda: repeat(b"\r")),
    "stream of one event": ("/v1/ingest", SSE, lambda: repeat(b"data:1,\n")),
    "envelope of a stream": (
        "/v1/ingest",
        JSON,
        lambda: json.dumps({"request_id": "r", "response": repeat(EVENT, 60 * MB).decode()}).encode(),
    ),
    "envelope of line ends": (
        "/v1/ingest",
        JSON,
        lambda: b'{"request_id":"r","response":"' + repeat(b"\\n") + b'"}',
    ),
    "envelope of objects": ("/v1/ingest", JSON, lambda: b'{"response":[' + repeat(b"{},") + b"{}]}"),
    "OTLP of empty spans": ("/v1/traces", JSON, lambda: SPANS + repeat(b"{},") + NO_MORE_SPANS),
    "OTLP of spans": ("/v1/traces", JSON, lambda: SPANS + repeat(SPAN) + NO_MORE_SPANS),
    "OTLP of groups": ("/v1/traces", JSON, lambda: b'{"resourceSpans":[' + repeat(b"{},") + b"{}]}"),
    "protobuf of empty spans": ("/v1/traces", PROTOBUF, lambda: write_export(repeat(b"\x12\0"))),
    "protobuf of spans": ("/v1/traces", PROTOBUF, lambda: write_export(repeat(ONE_SPAN))),
    "protobuf of groups": ("/v1/traces", PROTOBUF, lambda: repeat(b"\x0a\0")),
    "protobuf of unknown fields": ("/v1/traces", PROTOBUF, lambda: repeat(b"\x50\1")),
    "protobuf of one text": ("/v1/traces", PROTOBUF, lambda: write_export(write_field(2, write_field(3, b"x" * SIZE)))),
}


@pytest.fixture(scope="module")
def server(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Generator[Target]:
    url = databases.create("bombs")
    with run_server(tmp_path_factory.mktemp("bombs"), url) as running:
        yield running
    databases.drop("bombs")


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_in_any_form_affects_only_its_sender(server: Target, name: str) -> None:
    path, media_type, make = BOMBS[name]
    content, is_zstd = make(), len(name) % 2 == 0
    body = zstd.compress(content) if is_zstd else gzip.compress(content, 1)
    headers = {"X-API-Key": ADMIN_KEY, "Content-Type": media_type, "Content-Encoding": "zstd" if is_zstd else "gzip"}
    others, statuses = Others(server), list[int]()
    attack_together(others, lambda: statuses.append(server.post(path, body, headers)[0]), ATTACKERS)
    assert len(statuses) == ATTACKERS
    assert set(statuses) <= {200, 201, 207, 400, 413, 503}, server.log.read_text(encoding="utf-8")[-5000:]
    assert_bounded(server, others)


SMALL = {
    "140 000 tokens": lambda: b'{"tokens":[' + TOKEN * 140_000 + b'{"token":"x","logprob":-1}]}',
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
    "60 000 tokens": lambda: b'{"tokens":[' + TOKEN * 59_000 + b'{"token":"x","logprob":-1}]}',
    "1024 candidates": lambda: (
        b'{"tokens":['
        + b",".join([b'{"token":"x","logprob":-1,"top_logprobs":[' + TOKEN * 1023 + TOKEN[:-1] + b"]}"] * 58)
        + b"]}"
    ),
}


@pytest.mark.parametrize("path", ["/v1/score", "/v1/ingest"])
@pytest.mark.parametrize("name", SMALL)
def test_a_small_body_that_is_costly_delays_nobody(server: Target, name: str, path: str) -> None:
    body, others, statuses = SMALL[name](), Others(server), list[int]()
    headers = {"X-API-Key": ADMIN_KEY, "Content-Type": JSON}
    attack_together(others, lambda: statuses.extend(server.post(path, body, headers)[0] for _ in range(2)), ATTACKERS)
    assert set(statuses) <= {200, 201, 207, 400, 413, 503}, server.log.read_text(encoding="utf-8")[-5000:]
    assert_bounded(server, others)
