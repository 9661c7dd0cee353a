"""The contents of a stream, its readers, and how it ends."""

import contextlib
import urllib.parse
from datetime import UTC, datetime, timedelta

import pytest
from websockets.exceptions import InvalidStatus

from tests.support.browsers import BrowserOf
from tests.support.client import Client, make_key, send
from tests.support.documents import TOP, added, forward, make_document, number, sampled
from tests.support.keys import ADMIN_KEY, SECRET, label
from tests.support.posts import post
from tests.support.servers import Serve
from tests.support.streams import ask_for_events, open_events, open_socket, read_id, receive, receive_close, receive_ids

ANN, BOB = "the-key-of-ann-in-the-stream", "bob-streams"


@pytest.fixture(scope="module", autouse=True)
def _users(shared: Client) -> None:
    post(shared, "known-ann", user=ANN)
    post(shared, "known-bob", user=BOB)


def test_a_trace_is_sent_as_in_the_feed_over_both_protocols(shared: Client) -> None:
    with open_socket(shared) as socket, open_events(shared) as events:
        post(shared, "sent", user=ANN, model="m", final_text="So it is.\n😀\u2028")
        (message,) = receive(socket)
        assert message.keys() == {"type", "data"}
        (row,) = [one for one in shared.get("/logs").json["data"] if one["request_id"] == "sent"]
        assert message == {"type": "new_log", "data": row}
        assert row["user_api_key"] == label(ANN)
        event = events.next()
        assert (event.message, event.name) == (message, None)
        assert event.id


def test_the_path_may_end_in_a_slash(shared: Client) -> None:
    with open_socket(shared, path="/logs/stream/") as socket, open_events(shared, "/logs/stream/") as events:
        post(shared, "slash")
        assert receive_ids(socket) == events.ids() == ["slash"]


def test_an_event_stream_starts_with_a_position_and_is_neither_cached_nor_buffered(shared: Client) -> None:
    with open_events(shared, accept_encoding="gzip, deflate, br, zstd") as events:
        assert events.last_id
        headers = events.response.headers
        assert headers["content-type"].startswith("text/event-stream")
        assert (headers["cache-control"], headers["x-accel-buffering"]) == ("no-store", "no")
        assert "content-encoding" not in headers


def test_a_replaced_trace_is_sent_again(shared: Client) -> None:
    post(shared, "again", final_text="one")
    with open_socket(shared) as socket:
        post(shared, "again", final_text="two")
        (message,) = receive(socket)
        assert (read_id(message), message["data"]["final_text"]) == ("again", "two")


def test_annotations_are_not_sent(shared: Client) -> None:
    post(shared, "tagged")
    with open_socket(shared) as socket:
        assert send(shared, "POST", "/logs/tagged/tags", ADMIN_KEY, tag="good").status == 200
        post(shared, "after")
        assert receive_ids(socket) == ["after"]


FILTERS = [
    ({"max_confidence": "0.3"}, "unsure", "sure"),
    ({"min_confidence": "0.3"}, "sure", "unsure"),
    ({"model": "m2"}, "of-m2", "of-m1"),
    ({"q": '"two words"'}, "with", "without"),
    ({"created_from": "2026-06-01T00:00:00Z"}, "late", "early"),
    ({"api_key": BOB}, "bobs", "anns"),
    ({"api_key": label(BOB)}, "bobs", "anns"),
]


def store(client: Client, name: str, request_id: str) -> None:
    """Store a request that the filters above match or not."""
    rank = {"unsure": -3.0, "sure": -0.1}.get(name, -0.5)
    top = [{**TOP[0], "logprob": rank}, {**TOP[1], "logprob": rank - 3}]
    fields = {
        "of-m2": {"model": "m2"},
        "of-m1": {"model": "m1"},
        "with": {"final_text": "there are two words"},
        "without": {"final_text": "words, two of them"},
        "late": {"created_at": "2026-06-02T00:00:00Z"},
        "early": {"created_at": "2026-05-31T00:00:00Z"},
        "bobs": {"user_api_key": BOB},
        "anns": {"user_api_key": ANN},
    }.get(name, {})
    document = make_document(request_id, number([forward(top), sampled(), added(5)]), request=fields)
    assert client.ingest(document, x_api_key=ADMIN_KEY).status == 201


@pytest.mark.parametrize(("query", "passes", "fails"), FILTERS, ids=[str(one[0]) for one in FILTERS])
def test_filters_are_those_of_the_feed(shared: Client, query: dict[str, str], passes: str, fails: str) -> None:
    asked = "/logs/stream?" + urllib.parse.urlencode(query)
    headers = {"X-API-Key": ADMIN_KEY}
    kinds = (fails, passes, fails, passes)
    ids = [f"{kind}-{number}-{len(asked)}" for number, kind in enumerate(kinds)]
    with (
        open_socket(shared, headers, query) as socket,
        open_events(shared, asked) as events,
        open_socket(shared) as everything,
    ):
        for kind, request_id in zip(kinds, ids, strict=True):
            store(shared, kind, request_id)
        assert receive_ids(everything, 4) == ids
        assert receive_ids(socket, 2) == events.ids(2) == ids[1::2]


def test_readers_receive_only_their_own_traces(shared: Client) -> None:
    bound = make_key(shared, name="bound", allowed_api_key=BOB)["api_key"]
    unbound = make_key(shared, name="unbound")["api_key"]
    with contextlib.ExitStack() as opened:
        ann, bob, boss, nothing = (
            opened.enter_context(open_socket(shared, query={"api_key": key}))
            for key in (ANN, bound, ADMIN_KEY, unbound)
        )
        # Ann may name Bob, but receives nothing of his.
        nosy = opened.enter_context(open_socket(shared, {"X-API-Key": ANN}, {"api_key": BOB}))
        for turn in range(2):
            post(shared, f"ann-{turn}", user=ANN)
            post(shared, f"bob-{turn}", user=BOB)
            post(shared, f"admins-{turn}")
        assert receive_ids(ann, 2) == ["ann-0", "ann-1"]
        assert receive_ids(bob, 2) == ["bob-0", "bob-1"]
        assert receive_ids(boss, 6) == [f"{who}-{turn}" for turn in range(2) for who in ("ann", "bob", "admins")]
        for socket in (nothing, nosy):
            with pytest.raises(TimeoutError):
                socket.recv(timeout=0.2)


REFUSED = "key: unknown, revoked or expired; send a live key"


def test_a_caller_without_the_right_to_read_is_rejected_permanently(shared: Client) -> None:
    ingest = make_key(shared, name="engine", scopes=["ingest"])["api_key"]
    needed = "key: missing; send one as X-API-Key, or as api_key in the query"
    scopes = "key: lacks the scope 'read'; use a key that has it"
    for key, status, sentence in ((None, 401, needed), ("ck_unknown", 401, REFUSED), (ingest, 403, scopes)):
        with open_socket(shared, query={"api_key": key}) as socket:
            assert receive_close(socket) == (1000, sentence)
        answer = ask_for_events(shared, key)
        assert (answer.status, answer.json["error"]) == (status, sentence)


def test_the_streams_of_a_revoked_key_end_at_once(shared: Client) -> None:
    for revoke in (True, False):
        key = make_key(shared, name="revoked", is_admin=True)
        given = key["api_key"]
        with open_socket(shared, query={"api_key": given}) as socket, open_events(shared, key=given) as events:
            if revoke:
                assert send(shared, "DELETE", "/auth/keys", ADMIN_KEY, id=key["id"]).status == 200
            else:
                rotated = send(shared, "POST", f"/auth/keys/{key['id']}/rotate", ADMIN_KEY, overlap_hours=0)
                assert rotated.status == 200
            post(shared, f"secret-{revoke}")
            assert receive_close(socket) == (1000, REFUSED)
            event = events.next()
            assert (event.name, event.message) == ("revoked", {"message": REFUSED})
            assert list(events.events) == []


def test_the_streams_of_a_browser_end_when_it_signs_out(shared: Client) -> None:
    browser = BrowserOf()
    assert browser.sign_in(shared, ADMIN_KEY).status == 200
    headers = {"cookie": browser.write_cookies(), "origin": shared.url}
    with open_events(shared, key=None, **headers) as events, open_socket(shared, headers, {}) as socket:
        post(shared, "for the browser")
        assert events.ids() == receive_ids(socket) == ["for the browser"]
        assert browser.send(shared, "POST", "/auth/sign-out").status == 200
        assert events.next().name == "revoked"
        assert receive_close(socket)[0] == 1000


def test_a_page_of_another_port_cannot_stream_with_the_cookie(shared: Client) -> None:
    browser = BrowserOf()
    assert browser.sign_in(shared, ADMIN_KEY).status == 200
    foreign = {"cookie": browser.write_cookies(), "origin": "http://127.0.0.1:1"}
    with open_socket(shared, foreign, {}) as socket:
        assert receive_close(socket)[0] == 1000
    assert browser.send(shared, "GET", "/logs/stream", accept="text/event-stream").status == 401


def test_the_streams_of_a_key_end_when_it_expires(shared: Client) -> None:
    expires = (datetime.now(UTC) + timedelta(seconds=2)).isoformat()
    key = make_key(shared, name="short", is_admin=True, expires_at=expires)["api_key"]
    with open_socket(shared, query={"api_key": key}) as socket:
        assert receive_close(socket) == (1000, REFUSED)


def test_a_key_bound_to_another_user_receives_that_users_traces(shared: Client) -> None:
    key = make_key(shared, name="moves", allowed_api_key=ANN)
    with open_socket(shared, query={"api_key": key["api_key"]}) as socket:
        post(shared, "moves-1", user=ANN)
        assert receive_ids(socket) == ["moves-1"]
        assert send(shared, "PUT", "/auth/keys", ADMIN_KEY, id=key["id"], allowed_api_key=BOB).status == 200
        post(shared, "moves-2", user=ANN)
        post(shared, "moves-3", user=BOB)
        assert receive_ids(socket) == ["moves-3"]


def test_an_invalid_request_is_rejected_with_an_explanation(shared: Client) -> None:
    for query in ({"max_confidence": "2"}, {"created_from": "yesterday"}, {"q": "\0"}):
        with open_socket(shared, query={"api_key": ADMIN_KEY, **query}) as socket:
            code, reason = receive_close(socket)
        assert (code, reason.startswith(f"query.{next(iter(query))}: ")) == (1008, True)
        asked = urllib.parse.urlencode(query)
        answer = shared.get(f"/logs/stream?{asked}", accept="text/event-stream")
        assert (answer.status, answer.json["code"]) == (400, 400)
    for accept in ("", "*/*", "application/json", "text/event-streams"):
        answer = shared.get("/logs/stream", accept=accept)
        assert (answer.status, answer.json["code"]) == (406, 406)
        assert "text/event-stream" in answer.json["error"]


def test_messages_of_clients_are_ignored(shared: Client) -> None:
    with open_socket(shared) as socket:
        for _ in range(50):
            socket.send("hello")
            socket.send(b"\0\xff")
        post(shared, "spoken")
        assert receive_ids(socket) == ["spoken"]


@pytest.fixture
def picky(serve: Serve, database_url: str) -> Client:
    origins = "https://a.example, https://b.example"
    return serve(DATABASE_URL=database_url, THUNDER_ADMIN_KEY=ADMIN_KEY, THUNDER_SECRET=SECRET, ALLOWED_ORIGINS=origins)


def test_pages_of_other_origins_cannot_open_a_socket(picky: Client) -> None:
    with open_socket(picky) as socket, open_socket(picky, {"Origin": "https://b.example"}) as page:
        post(picky, "origin")
        assert receive_ids(socket) == receive_ids(page) == ["origin"]
    for origin in ("https://c.example", "null", "https://a.example.org"):
        with pytest.raises(InvalidStatus) as refused, open_socket(picky, {"Origin": origin}):
            pass
        assert refused.value.response.status_code == 403


def test_without_a_database_clients_should_retry(serve: Serve) -> None:
    client = serve(THUNDER_ADMIN_KEY=ADMIN_KEY, THUNDER_SECRET=SECRET)
    with open_socket(client) as socket:
        assert receive_close(socket) == (1013, "DATABASE_URL: not set; set it to the URL of a Postgres database")
    assert client.get("/logs/stream", accept="text/event-stream").status == 503
