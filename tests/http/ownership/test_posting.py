"""Permissions to post a trace, and to replace a stored one."""

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from tests.support.client import make_key, send
from tests.support.keys import ADMIN_KEY, SECRET, label
from tests.support.open_server import OpenServer, attempt, make_trace
from tests.support.servers import Serve


def test_posting_requires_a_key_with_that_right(serve: Serve, database_url: str, sql: psycopg.Connection) -> None:
    client = serve(DATABASE_URL=database_url, THUNDER_ADMIN_KEY=ADMIN_KEY, THUNDER_SECRET=SECRET)
    attempt(client, make_trace("own", "key-of-ann"), ADMIN_KEY)
    reader = make_key(client, name="reader", allowed_api_key="key-of-ann")["api_key"]
    revoked = make_key(client, name="revoked", scopes=["ingest"])
    send(client, "DELETE", "/auth/keys", ADMIN_KEY, id=revoked["id"])
    statuses = {None: 401, "wrong": 401, "key-of-ann": 403, reader: 403, revoked["api_key"]: 401}
    for key, status in statuses.items():
        for request_id in ("own", "new"):
            assert attempt(client, make_trace(request_id, "key-of-ann"), key).status == status
    assert sql.execute("select request_id, revision from requests").fetchall() == [("own", 1)]


@pytest.mark.parametrize("attacker", ["keyless", "another user", "an ingest key", "a bound ingest key", "a wrong key"])
@pytest.mark.parametrize("victim", ["a user", "the admins", "an ingest key", "a bound ingest key"])
@pytest.mark.parametrize("revisions", [1, 2])
def test_other_callers_cannot_overwrite_a_trace(place: OpenServer, victim: str, attacker: str, revisions: int) -> None:
    owners: dict[str, tuple[str | None, str | None]] = {
        "a user": ("key-of-the-victim", ADMIN_KEY),
        "the admins": (None, ADMIN_KEY),
        "an ingest key": (None, place.give(None, "ingest")),
        "a bound ingest key": (None, place.give("key-of-the-victim", "ingest")),
    }
    attackers: dict[str, tuple[str | None, str | None]] = {
        "keyless": (None, None),
        "another user": ("key-of-the-attacker", None),
        "an ingest key": (None, place.give(None, "ingest")),
        "a bound ingest key": (None, place.give("key-of-the-attacker", "ingest")),
        "a wrong key": (None, "wrong"),
    }
    request_id = place.name()
    for _ in range(revisions):
        place.post(*owners[victim], request_id)
    link = send(place.client, "POST", f"/logs/{request_id}/public", ADMIN_KEY).json["public_url"]
    shown, before = place.get(f"/logs/{request_id}", ADMIN_KEY).data, place.dump()
    user, key = attackers[attacker]
    overwrite = make_trace(request_id, user, request={"final_text": "mine now"})
    answer = attempt(place.client, overwrite, key)
    assert answer.status == (401 if key == "wrong" else 409), answer.data
    assert set(answer.json) == {"error", "message", "code"}
    assert place.dump() == before
    assert place.get(f"/logs/{request_id}", ADMIN_KEY).data == shown
    assert place.get(link, None).status == 200


def test_concurrent_posts_of_a_new_id_by_two_owners_store_one(place: OpenServer) -> None:
    keys = {"key-of-ann": place.give("key-of-ann", "ingest"), "key-of-bob": place.give("key-of-bob", "ingest")}
    with ThreadPoolExecutor(6) as executor:
        for _ in range(5):
            document = make_trace(request_id := place.name())
            posted = [executor.submit(attempt, place.client, document, key) for key in [*keys.values()] * 3]
            assert sorted(one.result().status for one in posted) == [201] * 3 + [409] * 3
            owners = [user for user in keys if place.get(f"/logs/{request_id}", user).status == 200]
            assert len(owners) == 1
            assert place.get(f"/logs/{request_id}", ADMIN_KEY).json["user_api_key"] == label(owners[0])


def test_a_trace_posted_without_a_key_can_be_replaced_without_one(place: OpenServer) -> None:
    request_id = place.post(key=None)
    again = attempt(place.client, make_trace(request_id), None)
    assert (again.status, again.json["revision"]) == (201, 2)
    assert attempt(place.client, make_trace(request_id), "wrong").status == 401
    assert attempt(place.client, make_trace(request_id), ADMIN_KEY).json["revision"] == 3


def test_a_user_key_replaces_the_traces_of_its_user(place: OpenServer) -> None:
    request_id = place.post("key-of-ann", place.give("key-of-ann", "ingest"))
    assert attempt(place.client, make_trace(request_id, "key-of-ann"), None).json["revision"] == 2
    assert attempt(place.client, make_trace(request_id, "key-of-ann"), place.give(None, "ingest")).status == 201


def test_a_rotated_ingest_key_replaces_the_traces_of_its_predecessor(place: OpenServer) -> None:
    old = make_key(place.client, name="old", scopes=["ingest"])
    request_id = place.post(key=old["api_key"])
    new = send(place.client, "POST", f"/auth/keys/{old['id']}/rotate", ADMIN_KEY, overlap_hours=0).json
    newest = send(place.client, "POST", f"/auth/keys/{new['id']}/rotate", ADMIN_KEY, overlap_hours=1).json
    for revision, key in enumerate([new, newest], start=2):
        assert attempt(place.client, make_trace(request_id), key["api_key"]).json["revision"] == revision


def test_a_bound_ingest_key_posts_only_traces_of_its_user(place: OpenServer) -> None:
    key = place.give("key-of-ann", "ingest")
    unnamed, named = place.post(key=key), place.post("key-of-ann", key)
    for request_id in (unnamed, named):
        assert place.get(f"/logs/{request_id}", "key-of-ann").json["user_api_key"] == label("key-of-ann")
    for foreign in ("key-of-bob", "ann", label("key-of-ann")):
        request_id, before = place.name(), place.dump()
        assert attempt(place.client, make_trace(request_id, foreign), key).status == 403
        assert place.dump() == before


def test_ownership_ignores_the_author_that_a_document_names(place: OpenServer) -> None:
    place.post("key-of-ann")
    said = {"created_by": "key-of-ann", "added_by": "key-of-ann", "allowed_api_key": "key-of-ann"}
    for request in (dict[str, str](), said, {"user_key_hmac": "x", "posted_by": "admin"}):
        for key in (None, place.give(None, "ingest")):
            request_id = place.name()
            assert attempt(place.client, make_trace(request_id, request=request, **said), key).status == 201
            assert place.get(f"/logs/{request_id}", "key-of-ann").status == 404
            assert place.get(f"/logs/{request_id}", ADMIN_KEY).json["user_api_key"] is None
