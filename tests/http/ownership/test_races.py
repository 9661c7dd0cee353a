"""A request that changes its owner during an addition to it: the addition is removed or rejected."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from tests.support.client import Client, send
from tests.support.documents import make_document
from tests.support.keys import ADMIN_KEY

ANN, BOB = "key-of-ann", "key-of-bob"


@pytest.fixture
def other(database_url: str) -> Iterator[psycopg.Connection]:
    """A second transaction, concurrent with the server's."""
    with psycopg.connect(database_url) as conn:
        yield conn


def give(client: Client, user: str) -> int:
    document = make_document("r1", request={"user_api_key": user})
    return client.ingest(document, x_api_key=ADMIN_KEY).status


def wait_for_a_lock(sql: psycopg.Connection) -> None:
    """Wait until a session waits for a lock of another one."""
    query = "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    deadline = time.monotonic() + 10
    while sql.execute(query).fetchone() is None:
        assert time.monotonic() < deadline, "no session waits for a lock"
        time.sleep(0.005)


def test_a_concurrent_addition_is_removed_with_the_owner(
    client: Client, sql: psycopg.Connection, other: psycopg.Connection
) -> None:
    assert give(client, ANN) == 201
    number = send(client, "POST", "/collections", ANN, name="c").json["collection"]["id"]
    other.execute("select from requests where request_id = 'r1' for no key update")
    other.execute("insert into collection_members select %s, id from requests where request_id = 'r1'", [number])
    other.execute("insert into discussions (request_pk, username, comment) select id, 'ann', 'hers' from requests")
    with ThreadPoolExecutor(1) as threads:
        replaced = threads.submit(give, client, BOB)
        wait_for_a_lock(sql)
        other.commit()
        assert replaced.result() == 201
    assert sql.execute("select count(*) from collection_members").fetchone() == (0,)
    assert send(client, "GET", "/logs/r1/discussions", BOB).json["discussions"] == []


def test_nothing_is_added_for_an_owner_that_is_being_changed(
    client: Client, sql: psycopg.Connection, other: psycopg.Connection
) -> None:
    assert give(client, ANN) == 201
    number = send(client, "POST", "/collections", ANN, name="c").json["collection"]["id"]
    other.execute("update requests set user_key_hmac = 'another' where request_id = 'r1'")
    with ThreadPoolExecutor(1) as threads:
        added = threads.submit(send, client, "POST", f"/collections/{number}/requests", ANN, request_id="r1")
        wait_for_a_lock(sql)
        other.commit()
        assert added.result().status == 404
    assert sql.execute("select count(*) from collection_members").fetchone() == (0,)
