"""Authentication with the admin key, in each header that can carry a key."""

import base64
from collections.abc import Iterator

import pytest

from tests.support.client import Client
from tests.support.databases import SharedDatabase
from tests.support.documents import make_document
from tests.support.keys import ADMIN_KEY
from tests.support.servers import Serve, ServerThread, start_thread


@pytest.fixture(scope="module")
def closed_server(shared_database: SharedDatabase) -> Iterator[ServerThread]:
    with start_thread(shared_database.url) as server:
        yield server


@pytest.fixture
def closed(closed_server: ServerThread) -> Client:
    """A server where ingest requires a key."""
    closed_server.forget_guesses()
    return closed_server.client


def basic(password: str) -> str:
    return "Basic " + base64.b64encode(f"engine:{password}".encode()).decode()


def test_ingest_requires_a_key_unless_it_is_open(closed: Client) -> None:
    answer = closed.ingest(make_document())
    assert answer.status == 401
    assert "X-API-Key" in answer.json["error"]
    assert closed.ingest(make_document(), x_api_key="wrong").status == 401


@pytest.mark.parametrize(
    "headers",
    [
        {"x_api_key": ADMIN_KEY},
        {"authorization": f"Bearer {ADMIN_KEY}"},
        {"authorization": f"bearer  {ADMIN_KEY} "},
        {"authorization": basic(ADMIN_KEY)},
        {"authorization": basic("wrong"), "x_api_key": ADMIN_KEY},
    ],
)
def test_a_key_may_be_in_three_headers_and_x_api_key_takes_precedence(closed: Client, headers: dict[str, str]) -> None:
    assert closed.ingest(make_document(), **headers).status == 201


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": basic("wrong")},
        {"authorization": "Basic !!!"},
        {"authorization": "Basic " + base64.b64encode(b"\xff\xfe").decode()},
        {"authorization": f"Digest {ADMIN_KEY}"},
        {"authorization": basic(ADMIN_KEY), "x_api_key": "wrong"},
        {"x_api_key": "\u00e9".encode("latin-1").decode("latin-1")},
    ],
)
def test_invalid_keys_are_rejected(closed: Client, headers: dict[str, str]) -> None:
    assert closed.ingest(make_document(), **headers).status == 401


def test_nothing_is_readable_without_an_admin_key(serve: Serve, database_url: str) -> None:
    client = serve(DATABASE_URL=database_url)
    assert client.request("GET", "/logs", x_api_key="").status == 401
    assert client.request("GET", "/logs", x_api_key="None").status == 401
