"""Compression as the client accepts it; frames that are stored compressed are sent unchanged."""

import json
from typing import Any

import psycopg
import pytest

from core.wire.zstandard import zstd
from tests.support.client import Answer, Client, send
from tests.support.documents import load_trace, make_document
from tests.support.keys import ADMIN_KEY

TRACE = "llama31-8b-force-tokens"
USER = "key-of-ann-0123456789"
PATHS = ["/logs/r1", "/logs/r1/trace", "/logs", "/v1/confidence/r1", "/openapi.json"]


@pytest.fixture(autouse=True)
def _stored(client: Client) -> None:
    document = load_trace(TRACE)
    document["request"] |= {"request_id": "r1", "user_api_key": USER}
    assert client.ingest(document, x_api_key=ADMIN_KEY).status == 201


def ask(client: Client, path: str, accepted: str, key: str | None = ADMIN_KEY) -> Answer:
    return client.request("GET", path, None, accept_encoding=accepted, **({"x_api_key": key} if key else {}))


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("accepted", "expected"),
    [
        ("zstd", "zstd"),
        ("br", "br"),
        ("gzip", "gzip"),
        ("gzip, deflate, br, zstd", "zstd"),
        ("gzip, deflate, br", "br"),
        ("zstd;q=0, br;q=0.0, gzip;q=0.5", "gzip"),
        ("identity", None),
        ("", None),
        ("compress, x;q=1", None),
    ],
)
def test_an_answer_uses_the_accepted_encoding(client: Client, path: str, accepted: str, expected: str | None) -> None:
    plain, answer = ask(client, path, "identity"), ask(client, path, accepted)
    assert answer.status == 200
    assert answer.headers.get("Content-Encoding") == expected
    assert answer.json == plain.json
    if expected:
        assert answer.headers["Vary"].split(", ").count("Accept-Encoding") == 1


def test_a_log_is_one_frame(client: Client) -> None:
    assert fetch_frame(client, "/logs/r1")


def test_a_document_is_sent_as_it_is_stored(client: Client, sql: psycopg.Connection) -> None:
    row = sql.execute("select document from request_traces", binary=True).fetchone()
    assert row == (fetch_frame(client, "/logs/r1/trace"),)


def fetch_frame(client: Client, path: str) -> bytes:
    headers = {"Accept-Encoding": "zstd", "X-API-Key": ADMIN_KEY}
    answer = client.pool.request("GET", client.url + path, headers=headers, decode_content=False)
    decoder = zstd.ZstdDecompressor()
    decoder.decompress(answer.data)
    assert (decoder.eof, decoder.unused_data) == (True, b""), "some clients read only the first frame"
    assert json.loads(zstd.decompress(answer.data)) == client.get(path).json
    assert int(answer.headers["Content-Length"]) == len(answer.data)
    return answer.data


@pytest.mark.parametrize("accepted", ["zstd", "br", "gzip", "identity"])
def test_no_encoding_shows_labels_to_other_readers(client: Client, accepted: str) -> None:
    document: dict[str, Any] = make_document("r2", request={"user_api_key": USER, "user_prompt": f"my key is {USER}"})
    assert client.ingest(document, x_api_key=ADMIN_KEY).status == 201
    for request_id in ("r1", "r2"):
        link = send(client, "POST", f"/logs/{request_id}/public", ADMIN_KEY).json["public_url"]
        answer = ask(client, link, accepted, key=None)
        assert answer.json["request_id"] == request_id
        assert "…#" not in json.dumps(answer.json, ensure_ascii=False)
    assert "…#" in client.log("r2")["user_prompt"]


def test_errors_and_small_answers_are_not_compressed(client: Client) -> None:
    for path, status in (("/logs/nobody", 404), ("/nowhere", 404), ("/livez", 200)):
        answer = ask(client, path, "gzip, br, zstd")
        assert (answer.status, answer.headers.get("Content-Encoding")) == (status, None)
        assert answer.json


def test_cors_headers_expose_the_etag_to_browsers(client: Client) -> None:
    answer = client.request("GET", "/logs", None, origin="https://ui.example", x_api_key=ADMIN_KEY)
    assert "ETag" in answer.headers["Access-Control-Expose-Headers"]
    asked = {"origin": "https://ui.example", "access_control_request_method": "GET"}
    preflight = client.request("OPTIONS", "/logs/r1", None, access_control_request_headers="if-none-match", **asked)
    assert preflight.status == 200
