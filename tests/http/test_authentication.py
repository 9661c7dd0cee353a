"""Authentication with the admin key, in each header that can carry a key."""

import base64
from collections.abc import Iterator

import pytest

from tests.support.client import Client, make_key, send
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


def test_open_ingest_refuses_a_key_that_may_not_ingest(client: Client) -> None:
    assert client.ingest(make_document("open")).status == 201
    issued = {scope: make_key(client, name=scope, scopes=[scope]) for scope in ("read", "ingest", "curate")}
    revoked = max(key["id"] for key in client.get("/auth/keys").json["keys"])
    assert send(client, "DELETE", "/auth/keys", ADMIN_KEY, id=revoked).status == 200
    answers = {
        name: client.ingest(make_document(name), x_api_key=key).status
        for name, key in {
            "wrong": "ck_" + "0" * 64,
            "revoked": issued["curate"]["api_key"],
            "out-of-scope": issued["read"]["api_key"],
            "valid": issued["ingest"]["api_key"],
        }.items()
    }
    assert answers == {"wrong": 401, "revoked": 401, "out-of-scope": 403, "valid": 201}
    assert {row["request_id"] for row in client.get("/logs").json["data"]} == {"open", "valid"}


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
