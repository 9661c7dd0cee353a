"""Bodies of a few kilobytes that decompress to 70 MB, in each form that is accepted."""

import gzip
import json

from core.wire.zstandard import zstd
from tests.support.keys import ADMIN_KEY

MB = 1_000_000
SIZE = 70 * MB
TOKEN = b'{"text":"x","logprob":-1.0},'
CANDIDATES = b",".join(b'{"token":%d,"logprob":-8.0}' % i for i in range(1024))
"""The longest list of a token."""
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
KINDS = (
    "ndjson of large lines",
    "list of large items",
    "stream of chunks",
    "envelope of a stream",
    "OTLP of spans",
    "protobuf of spans",
)
"""One form of each kind."""


def pack_bomb(name: str) -> tuple[str, bytes, dict[str, str]]:
    """Return the path, the compressed body and the headers of a bomb. Half of them use zstd, the others gzip."""
    path, media_type, make = BOMBS[name]
    is_zstd = len(name) % 2 == 0
    body = zstd.compress(make()) if is_zstd else gzip.compress(make(), 1)
    encoding = "zstd" if is_zstd else "gzip"
    return path, body, {"X-API-Key": ADMIN_KEY, "Content-Type": media_type, "Content-Encoding": encoding}
