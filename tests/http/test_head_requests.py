"""HEAD works where GET does, with the same status and headers and without a body."""

import re
import time
from collections.abc import Iterator

import pytest

from functions.web import viewer
from functions.web.events import MEDIA_TYPE
from tests.support.client import Client
from tests.support.databases import Databases
from tests.support.documents import make_document, number, one_token
from tests.support.keys import ADMIN_KEY, SECRET
from tests.support.openapi import DOCUMENT
from tests.support.servers import server_thread

DOCUMENTED = [path for path, item in DOCUMENT["paths"].items() if "get" in item]
PAGES = [page.replace("{request_id:path}", "r1") for page in viewer.PAGES]
PATHS = [*DOCUMENTED, *PAGES, "/viewer/app.js", "/healthz", "/openapi.json", "/docs", "/nothing", "/logs/absent"]
STREAM = "/logs/stream"
CHANGING = {"date", "x-request-id", "content-length"}
"""Headers that differ between two GETs as well, because health and metrics measure times."""


@pytest.fixture(scope="module")
def server(databases: Databases) -> Iterator[Client]:
    url = databases.create("head")
    with server_thread(url, THUNDER_SECRET=SECRET) as client:
        assert client.ingest(make_document("r1", number(one_token())), x_api_key=ADMIN_KEY).status == 201
        yield client
    databases.drop("head")


def fill(path: str) -> str:
    """Return a path with a request's id, or a number that any other parameter accepts."""
    return re.sub(r"{(\w+)}", lambda found: "r1" if found[1] == "request_id" else "1", path)


@pytest.mark.parametrize("path", [path for path in PATHS if path != STREAM])
@pytest.mark.parametrize("key", [ADMIN_KEY, None], ids=["admin", "no key"])
def test_head_has_the_headers_of_get_without_a_body(server: Client, path: str, key: str | None) -> None:
    path = fill(path)
    named = {"accept_encoding": "gzip"} | ({} if key is None else {"x_api_key": key})
    head, get = (server.request(method, path, None, **named) for method in ("HEAD", "GET"))
    assert (head.status, head.data) == (get.status, b"")
    assert head.status != 405
    compared = [
        {name: value for name, value in one.headers.items() if name.lower() not in CHANGING} for one in (head, get)
    ]
    assert compared[0] == compared[1]
    assert ("content-length" in head.headers) == ("content-length" in get.headers)


def test_the_length_is_that_of_the_compressed_answer(server: Client) -> None:
    head, get = (
        server.request(method, "/logs/r1", None, x_api_key=ADMIN_KEY, accept_encoding="gzip")
        for method in ("HEAD", "GET")
    )
    assert head.headers["content-encoding"] == "gzip"
    assert head.headers["content-length"] == get.headers["content-length"]


def test_head_of_a_stream_ends_at_once_and_keeps_the_connection(server: Client) -> None:
    began = time.monotonic()
    for _ in range(3):
        answer = server.request("HEAD", STREAM, None, x_api_key=ADMIN_KEY, accept=MEDIA_TYPE)
        assert (answer.status, answer.data) == (200, b"")
        assert answer.headers["content-type"].startswith(MEDIA_TYPE)
    assert server.get("/logs").status == 200
    assert time.monotonic() - began < 15 / 2, "HEAD waited for the stream"


def test_head_is_rejected_where_get_is_not_allowed(server: Client) -> None:
    assert server.request("HEAD", "/v1/ingest", None, x_api_key=ADMIN_KEY).status == 405
