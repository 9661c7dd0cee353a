"""Labels: their form, and keys that could be taken for another kind of key."""

import json
from urllib.parse import quote

import pytest

from tests.support.client import Answer, make_key, send
from tests.support.documents import make_document
from tests.support.keys import ADMIN_KEY, SECRET, label
from tests.support.open_server import OpenServer, attempt, make_trace
from tests.support.servers import Serve

USER = "sk-user-0f3a9c-long-enough"


def test_a_label_does_not_work_as_a_key(place: OpenServer) -> None:
    mine = place.post("key-of-ann")
    shown = label("key-of-ann")
    assert send_label(place, "/auth/validate", shown).status == 401
    theirs = place.post(shown, None)
    assert place.get(f"/logs/{theirs}", "key-of-ann").status == 404
    assert send_label(place, f"/logs/{mine}", shown).status in {401, 404}


def send_label(place: OpenServer, path: str, text: str) -> Answer:
    return place.client.request("GET", path, x_api_key=text.encode().decode("latin-1"))


@pytest.mark.parametrize(
    ("user", "shown"),
    [
        ("marshall-alpha-test-key", "marsha"),
        ("k" * 16, "kkkkkk"),
        ("k" * 15, "kk"),
        ("bob", "bo"),
        ("é" * 16, "é" * 6),
        ("\U0001f642" * 3, "\U0001f642" * 2),
        ('"\\\n' * 6, '"\\\n"\\\n'),
    ],
)
def test_a_label_is_the_start_of_the_key_and_twelve_digits(place: OpenServer, user: str, shown: str) -> None:
    first, second = place.post(user), place.post(user, None)
    shown_labels = [place.get(f"/logs/{one}", ADMIN_KEY).json["user_api_key"] for one in (first, second)]
    assert shown_labels == [label(user)] * 2
    beginning, _, digits = shown_labels[0].partition("…#")
    assert beginning == shown
    assert len(digits) == 12
    assert int(digits, 16) >= 0


@pytest.mark.parametrize(
    "user", ["\0abc", "ab\0c" * 5, "\ud800abc", "\udfff" * 20, "x" * 100_000, " ", "…#" + "0" * 12]
)
def test_any_text_may_be_a_users_key(place: OpenServer, user: str) -> None:
    request_id = place.post(user)
    shown = place.get(f"/logs/{request_id}", ADMIN_KEY).json["user_api_key"]
    assert "\0" not in shown
    assert len(shown) <= 6 + len("…#") + 12
    found = place.get(f"/logs?api_key={quote(shown)}", ADMIN_KEY).json["data"]
    assert [row["request_id"] for row in found] == [request_id]


def test_a_long_id_or_deep_document_with_a_user_key_is_stored_or_rejected(place: OpenServer) -> None:
    key = "k" * 16
    deep = json.loads("[" * 600 + "]" * 600)
    for document in (
        make_document(key + "x" * 496, request={"user_api_key": key}),
        make_document("a@bob" * 100, request={"user_api_key": "bob"}),
        make_document(place.name(), request={"user_api_key": key, "inference_stats": {"a": deep}}),
        make_document(place.name(), request={"user_api_key": key}, extra=[deep, key]),
    ):
        answer = attempt(place.client, document, ADMIN_KEY)
        assert answer.status in {201, 400}, answer.data


def test_labels_depend_on_the_secret(serve: Serve, database_url: str) -> None:
    labels = []
    for secret in (SECRET, "another"):
        client = serve(DATABASE_URL=database_url, THUNDER_ADMIN_KEY=ADMIN_KEY, THUNDER_SECRET=secret)
        attempt(client, make_trace(secret, USER), ADMIN_KEY)
        labels.append(send(client, "GET", "/auth/validate", USER).json["name"])
    assert labels[0] == label(USER)
    assert labels[1] != label(USER)


def test_a_revoked_key_is_rejected_by_the_next_request(place: OpenServer) -> None:
    for fields in ({"is_admin": True}, {"allowed_api_key": "key-of-ann"}, {"scopes": ["ingest", "read"]}):
        key = make_key(place.client, name="k", **fields)
        for _ in range(3):
            assert place.get("/logs", key["api_key"]).status == 200
        assert send(place.client, "DELETE", "/auth/keys", ADMIN_KEY, id=key["id"]).status == 200
        for path in ("/logs", "/auth/validate", "/v1/mods", "/v1/confidence/summary"):
            assert place.get(path, key["api_key"]).status == 401


def test_a_revoked_key_does_not_become_a_user_key(place: OpenServer) -> None:
    key = make_key(place.client, name="k", allowed_api_key="key-of-ann")
    send(place.client, "DELETE", "/auth/keys", ADMIN_KEY, id=key["id"])
    place.post(key["api_key"], None)
    assert place.get("/logs", key["api_key"]).status == 401


def test_an_api_key_used_as_a_user_key_gains_no_rights(place: OpenServer) -> None:
    key = make_key(place.client, name="k")
    request_id = place.post(key["api_key"], None)
    assert place.get(f"/logs/{request_id}", key["api_key"]).status == 404
    place.post(ADMIN_KEY, None)
    assert place.get("/auth/me", ADMIN_KEY).json == {
        "name": "admin",
        "allowed_api_key": None,
        "is_admin": True,
        "reads_all": True,
    }
