"""Admins change, revoke and rotate keys."""

import pytest

from tests.support.client import Client, make_key, send
from tests.support.documents import make_document
from tests.support.issued_keys import find, is_live, refuse
from tests.support.keys import ADMIN_KEY, label


def test_fields_without_a_new_value_are_kept(keys: Client) -> None:
    key = make_key(keys, name="k", description="d", allowed_api_key="key-of-ann", scopes=["read"])
    before = find(keys, key["id"])
    changed = send(keys, "PUT", "/auth/keys", ADMIN_KEY, id=key["id"], name="new")
    assert changed.status == 200
    assert changed.json == {"id": key["id"], "message": changed.json["message"]}
    after = find(keys, key["id"])
    assert after == {**before, "name": "new", "updated_at": after["updated_at"]}
    assert after["updated_at"] > before["updated_at"]
    send(keys, "PUT", "/auth/keys", ADMIN_KEY, id=key["id"], description=None, allowed_api_key=None, is_admin=None)
    assert find(keys, key["id"])["allowed_api_key"] == label("key-of-ann")


def test_an_empty_user_is_removed_and_a_new_one_counts_at_once(keys: Client) -> None:
    key = make_key(keys, name="k", allowed_api_key="key-of-ann")
    for allowed, status in (("", 404), ("key-of-ann", 200), ("key-of-bob", 404), (label("key-of-ann"), 200)):
        assert send(keys, "PUT", "/auth/keys", ADMIN_KEY, id=key["id"], allowed_api_key=allowed).status == 200
        assert send(keys, "GET", "/logs/r1", key["api_key"]).status == status
    assert find(keys, key["id"])["allowed_api_key"] == label("key-of-ann")
    refuse(keys, "PUT", "/auth/keys", id=key["id"], allowed_api_key=label("key-of-nobody"))


def test_a_demoted_admin_key_loses_all_rights_of_admins(keys: Client) -> None:
    key = make_key(keys, name="k", is_admin=True)
    assert send(keys, "GET", "/auth/keys", key["api_key"]).status == 200
    assert send(keys, "PUT", "/auth/keys", ADMIN_KEY, id=key["id"], is_admin=False).status == 200
    assert send(keys, "GET", "/auth/keys", key["api_key"]).status == 403
    assert send(keys, "POST", "/auth/keys", key["api_key"], name="another", is_admin=True).status == 403
    assert keys.ingest(make_document(), x_api_key=key["api_key"]).status == 403
    assert send(keys, "GET", "/logs", key["api_key"]).json["data"] == []
    assert find(keys, key["id"])["scopes"] == ["curate", "read"]
    poster = make_key(keys, name="k", scopes=["ingest"])
    assert send(keys, "PUT", "/auth/keys", ADMIN_KEY, id=poster["id"], is_admin=False).status == 200
    assert find(keys, poster["id"])["scopes"] == ["ingest"]


def test_a_key_can_become_an_admin_key_and_change_its_scopes(keys: Client) -> None:
    key = make_key(keys, name="k", scopes=["ingest"])
    assert send(keys, "PUT", "/auth/keys", ADMIN_KEY, id=key["id"], scopes=["read"]).status == 200
    assert keys.ingest(make_document(), x_api_key=key["api_key"]).status == 403
    assert send(keys, "GET", "/logs", key["api_key"]).status == 200
    assert send(keys, "PUT", "/auth/keys", ADMIN_KEY, id=key["id"], is_admin=True).status == 200
    assert send(keys, "GET", "/auth/keys", key["api_key"]).status == 200


@pytest.mark.parametrize("key_id", [None, "1", 0, -1, 1.5, 2**63, 10**400, True, [1]])
def test_an_invalid_change_is_rejected(keys: Client, key_id: object) -> None:
    for method in ("PUT", "DELETE"):
        refuse(keys, method, "/auth/keys", id=key_id)


def test_a_missing_or_expired_key_is_not_found(keys: Client) -> None:
    key = make_key(keys, name="k")
    assert send(keys, "DELETE", "/auth/keys", ADMIN_KEY, id=key["id"]).status == 200
    for key_id in (key["id"], 2**63 - 1):
        assert send(keys, "DELETE", "/auth/keys", ADMIN_KEY, id=key_id).status == 404
        assert send(keys, "PUT", "/auth/keys", ADMIN_KEY, id=key_id, is_admin=True).status == 404
        assert send(keys, "POST", f"/auth/keys/{key_id}/rotate", ADMIN_KEY).status == 404


def test_a_revoked_key_is_rejected_and_still_listed(keys: Client) -> None:
    key = make_key(keys, name="k")
    assert is_live(keys, key["api_key"])
    answer = send(keys, "DELETE", "/auth/keys", ADMIN_KEY, id=key["id"])
    assert answer.json == {"id": key["id"], "message": answer.json["message"]}
    assert not is_live(keys, key["api_key"])
    assert not find(keys, key["id"])["is_active"]


def test_a_key_cannot_revoke_itself(keys: Client) -> None:
    mine, other = (make_key(keys, name="k", is_admin=True) for _ in range(2))
    answer = send(keys, "DELETE", "/auth/keys", mine["api_key"], id=mine["id"])
    assert 400 <= answer.status < 500
    assert is_live(keys, mine["api_key"])
    assert send(keys, "DELETE", "/auth/keys", mine["api_key"], id=other["id"]).status == 200
    assert not is_live(keys, other["api_key"])
    assert send(keys, "DELETE", "/auth/keys", ADMIN_KEY, id=mine["id"]).status == 200
