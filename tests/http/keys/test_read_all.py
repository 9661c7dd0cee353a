"""A key with `read_all` reads the requests of every owner, and changes only what its other scopes allow."""

import pytest

from tests.support.browsers import BrowserOf
from tests.support.client import Client, make_key, send
from tests.support.documents import make_document
from tests.support.issued_keys import refuse
from tests.support.keys import ADMIN_KEY
from tests.support.streams import open_events

OWNERS = {"of-ann": "key-of-ann", "of-bob": "key-of-bob", "of-nobody": None}


@pytest.fixture(autouse=True)
def _requests(keys: Client) -> None:
    for request_id, owner in OWNERS.items():
        document = make_document(request_id, request={"user_api_key": owner})
        assert keys.ingest(document, x_api_key=ADMIN_KEY).status == 201


def make_team_key(client: Client, *scopes: str, **fields: object) -> str:
    return make_key(client, name="team", scopes=["read_all", *scopes], **fields)["api_key"]


def test_it_reads_every_owner(keys: Client) -> None:
    key = make_team_key(keys)
    assert send(keys, "GET", "/auth/me", key).json["reads_all"] is True
    rows = send(keys, "GET", "/logs?limit=100", key).json["data"]
    assert {row["request_id"] for row in rows} >= set(OWNERS)
    for request_id in OWNERS:
        for path in ("", "/trace", "/tags", "/discussions", "/outcome"):
            assert send(keys, "GET", f"/logs/{request_id}{path}", key).status == 200
    assert send(keys, "GET", "/logs?api_key=key-of-bob", key).json["data"][0]["request_id"] == "of-bob"
    with open_events(keys, key=key) as events:
        document = make_document("of-ann", request={"user_api_key": "key-of-ann"})
        assert keys.ingest(document, x_api_key=ADMIN_KEY).status == 201
        assert events.ids() == ["of-ann"]


def test_it_changes_nothing(keys: Client) -> None:
    key = make_team_key(keys)
    for path, body in (("/tags", {"tag": "t"}), ("/favorite", {"name": "ann"}), ("/outcome", {"correct": True})):
        assert send(keys, "POST", f"/logs/of-ann{path}", key, **body).status == 403, path
    assert send(keys, "POST", "/logs/of-ann/public", key).status == 403
    assert send(keys, "DELETE", "/logs/of-ann", key).status == 403
    assert send(keys, "GET", "/auth/keys", key).status == 403
    assert keys.ingest(make_document("new"), x_api_key=key).status == 403


def test_other_scopes_stay_with_the_user_of_the_key(keys: Client) -> None:
    key = make_team_key(keys, "curate", "delete", allowed_api_key="key-of-ann")
    for request_id, status in (("of-ann", 200), ("of-bob", 404), ("of-nobody", 404)):
        assert send(keys, "GET", f"/logs/{request_id}", key).status == 200
        assert send(keys, "POST", f"/logs/{request_id}/tags", key, tag="t").status == status
        assert send(keys, "POST", f"/logs/{request_id}/public", key).status == status
        assert send(keys, "DELETE", f"/logs/{request_id}", key).status == status
    made = send(keys, "POST", "/collections", key, name="of the team").json["collection"]
    assert send(keys, "POST", f"/collections/{made['id']}/requests", key, request_id="of-bob").status == 404
    assert send(keys, "GET", f"/collections/{made['id']}", "key-of-ann").status == 200


def test_it_can_be_given_and_taken_and_signs_in(keys: Client) -> None:
    made = make_key(keys, name="k", scopes=["read"])
    browser = BrowserOf()
    assert browser.sign_in(keys, made["api_key"]).status == 200
    for scopes, status in ((["read", "read_all"], 200), (["read"], 404)):
        assert send(keys, "PUT", "/auth/keys", ADMIN_KEY, id=made["id"], scopes=scopes).status == 200
        assert send(keys, "GET", "/logs/of-bob", made["api_key"]).status == status
        assert browser.send(keys, "GET", "/logs/of-bob").status == status
    assert "scopes" in refuse(keys, "POST", "/auth/keys", name="k", scopes=["read_everything"])
