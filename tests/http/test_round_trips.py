"""The number of round trips to the database per call, and what happens when a connection is lost on the way."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import psycopg
import pytest

from functions.web import stamp
from tests.support.browsers import BrowserOf
from tests.support.client import Answer, Client
from tests.support.databases import Databases
from tests.support.documents import load_trace
from tests.support.keys import ADMIN_KEY, SECRET
from tests.support.labels import insert_calibrator, make_answer
from tests.support.servers import server_thread
from tests.support.wiretap import Wiretap, tap_wire

OWNED = "force-prefix"
READS = [
    "/logs",
    "/logs?tag=a&favorited_by=ann",
    "/logs?sort=confidence",
    "/logs?collection_id=1",
    "/logs?total=true",
    "/logs?total=true&collection_id=1",
    "/v1/facets",
    "/logs/{id}",
    "/logs/{id}/trace",
    "/logs/api-keys",
    "/logs/{id}/tags",
    "/logs/{id}/favorite",
    "/logs/{id}/discussions",
    "/logs/{id}/discussions/1",
    "/logs/{id}/outcome",
    "/collections",
    "/collections/1",
    "/v1/mods",
    "/v1/confidence/{id}/spans",
    "/v1/confidence/summary",
    "/v1/confidence/drift?from=2020-01-01T00:00:00Z",
    "/share/request/{token}",
]


ADD_ALERTS = """
insert into alerts (name, kind, score, fires_above, threshold, filters, url, include_prompt, active, secret_nonce)
select 'a', 'threshold', 'perplexity', false, 0, '{"model": "m"}', 'https://receiver.invalid/', false, true, ''
from generate_series(1, %s)
"""


@dataclass(frozen=True)
class Tapped:
    """A server behind a recording proxy, with one request and all annotations of it."""

    client: Client
    tap: Wiretap
    request_id: str
    user_key: str
    token: str

    def get(self, path: str, key: str = ADMIN_KEY) -> Answer:
        return self.client.request("GET", path.format(id=self.request_id, token=self.token), x_api_key=key)

    def post(self, path: str, content: dict[str, Any], key: str = ADMIN_KEY) -> Answer:
        path = path.format(id=self.request_id, token=self.token)
        texts = {name: value.format(id=self.request_id) for name, value in content.items() if isinstance(value, str)}
        body = json.dumps({**content, **texts}).encode()
        return self.client.request("POST", path, body, x_api_key=key, content_type="application/json")


@pytest.fixture(scope="module")
def tapped_database(databases: Databases) -> Iterator[str]:
    yield databases.create("round_trips")
    databases.drop("round_trips")


@pytest.fixture(scope="module")
def tapped_server(tapped_database: str) -> Iterator[Tapped]:
    trace = load_trace(OWNED)
    trace["request"]["user_api_key"] = user_key = "a user's key of the trips"
    request_id = trace["request"]["request_id"]
    with (
        pytest.MonkeyPatch.context() as patch,
        tap_wire(tapped_database) as tap,
        server_thread(tap.dsn, THUNDER_SECRET=SECRET, INGEST_AUTH="open") as client,
    ):
        assert client.ingest(trace).status == 201
        found = Tapped(client, tap, request_id, user_key, "")
        assert found.post("/collections", {"name": "c"}).status == 201
        assert found.post("/collections/1/requests", {"request_id": "{id}"}).status == 200
        assert found.post("/logs/{id}/discussions", {"username": "ann", "comment": "first"}).status == 201
        assert found.post("/logs/{id}/tags", {"tag": "a"}).status == 200
        token = found.post("/logs/{id}/public", {}).json["public_token"]
        # Otherwise one answer in five seconds waits for a further check of the stamp.
        patch.setattr(stamp, "REMEMBERED_S", 3600)
        # Imports scipy; while the import blocks the event loop, checks of connections time out.
        assert found.get("/v1/confidence/drift?from=2020-01-01T00:00:00Z").status == 200
        yield Tapped(client, tap, request_id, user_key, token)


@pytest.fixture
def tapped(tapped_server: Tapped) -> Tapped:
    """The server right after a read, so that it has a connection and has checked the stamp of the database."""
    assert tapped_server.get("/logs").status == 200
    tapped_server.tap.sent.clear()
    return tapped_server


@pytest.fixture
def sql(tapped_database: str, databases: Databases) -> Iterator[psycopg.Connection]:
    with psycopg.connect(databases.reach(tapped_database), autocommit=True) as conn:
        yield conn


@pytest.mark.both_ways
@pytest.mark.parametrize("path", READS)
def test_a_read_takes_one_round_trip(tapped: Tapped, path: str) -> None:
    answer = tapped.get(path)
    assert (answer.status, tapped.tap.count_trips()) == (200, 1), answer.data


@pytest.mark.both_ways
def test_a_repeated_read_is_parsed_again_only_through_a_pooler(tapped: Tapped, databases: Databases) -> None:
    tap, is_parsed = tapped.tap, set[bool]()
    for _ in range(10):  # the pool may replace a connection, whose first read is parsed
        tap.sent.clear()
        tap.parsed.clear()
        assert tapped.get("/logs").status == 200
        assert any(text.startswith("select\n    id,") for text in tap.sent)
        is_parsed.add(any(text.startswith("select\n    id,") for text in tap.parsed))
    assert (False in is_parsed) == (databases.pooler_port is None)


@pytest.mark.both_ways
@pytest.mark.parametrize("path", ["/logs", "/logs/{id}", "/logs/{id}/tags", "/collections"])
def test_a_read_with_another_key_takes_two_round_trips(tapped: Tapped, path: str) -> None:
    assert tapped.get(path, tapped.user_key).status == 200
    assert tapped.tap.count_trips() == 2


@pytest.mark.both_ways
def test_a_signed_in_browser_takes_no_more_round_trips_than_its_key(tapped: Tapped) -> None:
    for key in (tapped.user_key, ADMIN_KEY):
        browser = BrowserOf()
        assert browser.sign_in(tapped.client, key).status == 200
        for path in ("/logs", f"/logs/{tapped.request_id}", "/auth/me"):
            trips = []
            for send in (partial(tapped.get, path, tapped.user_key), partial(browser.send, tapped.client, "GET", path)):
                tapped.tap.sent.clear()
                assert send().status == 200
                trips.append(tapped.tap.count_trips())
            assert trips[0] == trips[1], path


@pytest.mark.parametrize("path", READS)
def test_a_read_survives_a_closed_connection(tapped: Tapped, sql: psycopg.Connection, path: str) -> None:
    sql.execute(
        "select pg_terminate_backend(pid, 5000) from pg_stat_activity"
        " where datname = current_database() and pid <> pg_backend_pid()"
    )
    assert tapped.get(path).status == 200


@pytest.mark.parametrize("statement", ["select require_stamp", "with\nasked", "select\n    id,"])
def test_a_connection_lost_during_a_read_causes_one_retry(tapped: Tapped, statement: str) -> None:
    tapped.tap.cut_at = statement
    assert tapped.get("/logs", tapped.user_key).status == 200
    assert tapped.tap.cut_at is None
    assert sum(text.startswith("select\n    id,") for text in tapped.tap.sent) == 1


EDITS: dict[str, dict[str, str]] = {
    "/logs/{id}/tags": {"tag": "reviewed by somebody"},
    "/logs/{id}/favorite": {"name": "bob"},
    "/logs/{id}/discussions": {"username": "bob", "comment": "a comment that is longer than a key"},
    "/collections/1/requests": {"request_id": "{id}", "notes": "a note that is longer than a key"},
    "/logs/{id}/collections": {"notes": "the same, from the other side"},
}


@pytest.mark.both_ways
@pytest.mark.parametrize("path", EDITS)
def test_an_edit_takes_two_or_three_round_trips(tapped: Tapped, databases: Databases, path: str) -> None:
    """One checks the connection, and one edits and commits. Members of collections are checked before the commit."""
    content = EDITS[path] | ({"collection_id": 1} if path.endswith("collections") else {})
    answer = tapped.post(path, content)
    assert answer.status in (200, 201), answer.data
    is_checked_by_statement = any(text.startswith("select require_stamp") for text in tapped.tap.sent)
    assert is_checked_by_statement == (databases.pooler_port is not None)  # a direct connection is checked by a sync
    assert tapped.tap.count_trips() == (3 if "collections" in path else 2)


@pytest.mark.both_ways
@pytest.mark.parametrize("path", [path for path in EDITS if "collections" not in path])
def test_an_edit_with_a_user_key_takes_three_round_trips(tapped: Tapped, path: str) -> None:
    """The key is looked up once, in the transaction."""
    assert tapped.post(path, EDITS[path], tapped.user_key).status in (200, 201)
    assert tapped.tap.count_trips() == 3


@pytest.mark.both_ways
@pytest.mark.parametrize("owned", [False, True])
def test_an_ingest_takes_two_trips(tapped: Tapped, *, owned: bool) -> None:
    trace = load_trace("mod-exception")
    trace["request"]["request_id"] = f"trips-{owned}"
    if owned:
        trace["request"]["user_api_key"] = tapped.user_key
    for _ in range(3):  # from the second time on, the statements are prepared
        assert tapped.client.ingest(trace).status == 201
        assert tapped.tap.count_trips() == 2


@pytest.mark.both_ways
def test_alerts_add_neither_statements_nor_trips_to_an_ingest(tapped: Tapped, sql: psycopg.Connection) -> None:
    trace = load_trace("mod-exception")
    trace["request"]["request_id"] = "trips-of-alerts"
    statements: set[int] = set()
    for alerts in (0, 20):
        sql.execute(ADD_ALERTS, [alerts])
        for _ in range(3):
            tapped.tap.sent.clear()
            assert tapped.client.ingest(trace).status == 201
            statements.add(len(tapped.tap.sent))
            assert tapped.tap.count_trips() == 2
    sql.execute("delete from alerts")
    assert len(statements) == 1


@pytest.mark.both_ways
def test_an_ingest_with_an_issued_key_looks_it_up_once(tapped: Tapped, sql: psycopg.Connection) -> None:
    new = {"name": "engine", "scopes": ["ingest"]}
    with server_thread(tapped.tap.dsn, THUNDER_SECRET=SECRET) as closed:
        made = closed.post_bytes("/auth/keys", json.dumps(new).encode(), x_api_key=ADMIN_KEY).json
        body = json.dumps(load_trace("plain-greedy")).encode()
        for trips in (5, 3, 3):  # the first post looks the key up before the body too, and records its use
            tapped.tap.sent.clear()
            assert closed.post_bytes("/v1/ingest", body, x_api_key=made["api_key"]).status == 201
            assert tapped.tap.count_trips() == trips
        sql.execute("update api_keys set revoked_at = now()")
        for sent, status in ((b"{", 400), (body, 401), (b"{", 401)):  # a refused key is no longer remembered
            assert closed.post_bytes("/v1/ingest", sent, x_api_key=made["api_key"]).status == status


@pytest.mark.both_ways
@pytest.mark.parametrize("count", [1, 3])
def test_an_ingest_of_answers_takes_as_many(tapped: Tapped, count: int) -> None:
    choices = [{"index": index, "text": "a", "logprobs": None, "finish_reason": "stop"} for index in range(count)]
    for _ in range(3):
        assert tapped.client.ingest({"id": f"answers-{count}", "choices": choices}).status in {201, 207}
        assert tapped.tap.count_trips() == 2


@pytest.mark.both_ways
def test_a_calibrator_adds_no_trip_to_an_ingest_and_one_to_a_score(tapped: Tapped, sql: psycopg.Connection) -> None:
    number = insert_calibrator(sql)
    sql.execute("update calibrators set model = 'm', k = 2, logprobs_mode = 'raw_logprobs', is_active = true")
    answer = make_answer("calibrated", 0.5, model="m")
    for _ in range(3):
        assert tapped.client.ingest(answer).json["calibrator"]["id"] == number
        assert tapped.tap.count_trips() == 2
    for key, model, trips in ((ADMIN_KEY, "m", 1), (ADMIN_KEY, None, 0), (tapped.user_key, "m", 3)):
        scored = tapped.post("/v1/score", make_answer("x", 0.5, model=model), key)
        assert (scored.json["calibrator"] is None) == (model is None)
        assert tapped.tap.count_trips() == trips


def test_an_edit_is_not_repeated_if_its_connection_is_lost_before_the_commit(
    tapped: Tapped, sql: psycopg.Connection
) -> None:
    tapped.tap.cut_at = "commit"
    assert tapped.post("/logs/{id}/tags", {"tag": "lost"}).status == 503
    assert sum("array_append" in text for text in tapped.tap.sent) == 1
    assert sql.execute("select 'lost' = any(tags) from requests").fetchone() == (False,)


def test_a_key_in_place_of_a_name_finds_the_same_requests(tapped: Tapped) -> None:
    assert tapped.post("/logs/{id}/favorite", {"name": tapped.user_key}).status == 200
    found = tapped.get(f"/logs?favorited_by={tapped.user_key.replace(' ', '%20')}").json["data"]
    assert [row["request_id"] for row in found] == [tapped.request_id]
    assert tapped.user_key not in found[0]["favorited_by"]
