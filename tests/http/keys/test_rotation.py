"""A rotation replaces a key, and both work during the overlap."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.support.client import Client, make_key, send
from tests.support.issued_keys import HOUR, SHOWN_ONCE, find, is_live, refuse
from tests.support.keys import ADMIN_KEY


@pytest.mark.parametrize(("asked", "hours"), [({}, 24), ({"overlap_hours": 2}, 2), ({"overlap_hours": 0.5}, 0.5)])
def test_a_rotated_key_works_during_the_overlap(keys: Client, asked: dict[str, float], hours: float) -> None:
    old = make_key(keys, name="k", description="d", allowed_api_key="key-of-ann", scopes=["read"])
    answer = send(keys, "POST", f"/auth/keys/{old['id']}/rotate", ADMIN_KEY, **asked)
    assert answer.status == 200
    new = answer.json
    assert set(new) >= SHOWN_ONCE
    assert new["api_key"] != old["api_key"]
    assert new["key_prefix"] == new["api_key"][:8]
    before, after = find(keys, old["id"]), find(keys, new["id"])
    ends = datetime.fromisoformat(before["expires_at"])
    assert abs(ends - datetime.now(UTC) - timedelta(hours=hours)) < timedelta(minutes=1)
    assert after["expires_at"] is None
    same = ("name", "description", "allowed_api_key", "is_admin", "scopes")
    assert [before[name] for name in same] == [after[name] for name in same]
    for key in (old, new):
        assert send(keys, "GET", "/logs/r1", key["api_key"]).status == 200


def test_a_rotation_without_overlap_ends_the_old_key(keys: Client) -> None:
    for hours, lives in ((0, False), (1e-9, False), (0.01, True)):
        old = make_key(keys, name="k")
        new = send(keys, "POST", f"/auth/keys/{old['id']}/rotate", ADMIN_KEY, overlap_hours=hours).json
        assert is_live(keys, old["api_key"]) is lives
        assert is_live(keys, new["api_key"])
        assert find(keys, old["id"])["is_active"] is lives


def test_a_rotation_never_extends_the_life_of_a_key(keys: Client) -> None:
    expires = datetime.now(UTC) + HOUR
    old = make_key(keys, name="k", expires_at=expires.isoformat())
    new = send(keys, "POST", f"/auth/keys/{old['id']}/rotate", ADMIN_KEY, overlap_hours=48).json
    for key in (old, new):
        assert datetime.fromisoformat(find(keys, key["id"])["expires_at"]) == expires


def test_a_key_can_rotate_itself(keys: Client) -> None:
    old = make_key(keys, name="k", is_admin=True)
    new = send(keys, "POST", f"/auth/keys/{old['id']}/rotate", old["api_key"], overlap_hours=0)
    assert new.status == 200
    assert not is_live(keys, old["api_key"])
    assert send(keys, "GET", "/auth/keys", new.json["api_key"]).status == 200


@pytest.mark.parametrize("hours", [-1, -1e-9, float("nan"), float("inf"), 1e308, 2161, 10**400, "1", True, None, [1]])
def test_an_invalid_overlap_is_rejected_and_changes_nothing(keys: Client, hours: object) -> None:
    key = make_key(keys, name="k")
    before = send(keys, "GET", "/auth/keys", ADMIN_KEY).json
    refuse(keys, "POST", f"/auth/keys/{key['id']}/rotate", overlap_hours=hours)
    after = send(keys, "GET", "/auth/keys", ADMIN_KEY).json
    assert after == before
