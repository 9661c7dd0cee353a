"""Compressed and too large bodies, types and encodings."""

import gzip
import json

import pytest

from core.wire.zstandard import compress
from tests.support.client import Client
from tests.support.documents import (
    load_trace,
    make_document,
    masked,
)
from tests.support.servers import Serve


def test_too_large_bodies_are_rejected_in_any_encoding(serve: Serve, database_url: str) -> None:
    client = serve(DATABASE_URL=database_url, INGEST_AUTH="open", MAX_BODY_MB="1")
    plain = json.dumps(make_document(pad="x" * 1024 * 1024)).encode()
    assert client.post_bytes("/v1/ingest", plain).status == 413
    assert client.post_bytes("/v1/ingest", gzip.compress(plain), content_encoding="gzip").status == 413
    bomb = compress([b"x" * 500 * 1024 * 1024])
    answer = client.post_bytes("/v1/ingest", bomb, content_encoding="zstd")
    assert answer.status == 413
    assert "1 MiB" in answer.json["error"]


def test_compressed_bodies_are_decompressed(client: Client) -> None:
    body = json.dumps(load_trace("plain-capital")).encode()
    halves = gzip.compress(body[:100]) + gzip.compress(body[100:])
    frames = compress([body[:100]]) + compress([body[100:]])
    for encoding, packed in (
        ("gzip", gzip.compress(body)),
        ("x-gzip", halves),
        ("zstd", compress([body])),
        ("ZSTD", frames),
        ("identity", body),
    ):
        assert client.post_bytes("/v1/ingest", packed, content_encoding=encoding).status == 201, encoding
        assert client.get("/logs/smollm2-plain-capital/trace").json == masked(json.loads(body))


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_damaged_compressed_bodies_are_rejected(client: Client, encoding: str) -> None:
    body = json.dumps(load_trace("plain-capital")).encode()
    packed = gzip.compress(body) if encoding == "gzip" else compress([body])
    for damaged in (packed[:-20], b"nonsense", packed + b"trailing"):
        answer = client.post_bytes("/v1/ingest", damaged, content_encoding=encoding)
        assert answer.status == 400
        assert encoding in answer.json["error"]


def test_unsupported_content_types_and_encodings_are_rejected(client: Client) -> None:
    body = json.dumps(make_document()).encode()
    assert client.post_bytes("/v1/ingest", body, content_type="text/plain").status == 415
    assert client.post_bytes("/v1/ingest", body, content_encoding="br").status == 415
    assert client.post_bytes("/v1/ingest", body, content_type="Application/JSON; charset=utf-8").status == 201
