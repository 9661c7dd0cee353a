"""Admins issue keys and list them."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.support.client import Client, make_key, send
from tests.support.issued_keys import HOUR, SHOWN_ONCE, find, refuse
from tests.support.keys import ADMIN_KEY, label

LISTED = {
    *("id", "key_prefix", "name", "description", "allowed_api_key", "is_admin", "is_active"),
    *("created_at", "updated_at", "last_used_at", "expires_at"),
}


def test_a_key_is_shown_only_when_it_is_issued(keys: Client) -> None:
    expires = datetime.now(UTC) + HOUR
    asked = {"name": "CI", "description": "posts", "allowed_api_key": "key-of-ann", "expires_at": expires.isoformat()}
    made = make_key(keys, **asked, scopes=["read"])
    assert set(made) >= SHOWN_ONCE
    assert re.fullmatch(r"ck_[0-9a-f]{64}", made["api_key"])
    assert made["key_prefix"] == made["api_key"][:8]
    assert made["allowed_api_key"] == label("key-of-ann")
    assert (made["name"], made["is_admin"]) == ("CI", False)
    answer = send(keys, "GET", "/auth/keys", ADMIN_KEY)
    assert made["api_key"][8:] not in answer.data.decode()
    assert answer.json["total"] == len(answer.json["keys"])
    listed = find(keys, made["id"])
    assert set(listed) >= LISTED
    assert listed["scopes"] == ["read"]
    assert (listed["name"], listed["description"]) == ("CI", "posts")
    assert listed["key_prefix"] == made["key_prefix"]
    assert listed["allowed_api_key"] == label("key-of-ann")
    assert (listed["is_admin"], listed["is_active"], listed["last_used_at"]) == (False, True, None)
    assert listed["created_at"] == listed["updated_at"]
    assert datetime.fromisoformat(listed["created_at"]).tzinfo is not None
    assert datetime.fromisoformat(listed["expires_at"]) == expires


def test_keys_are_unique_and_listed_newest_first(keys: Client) -> None:
    made = [make_key(keys, name="same name") for _ in range(5)]
    assert len({one["api_key"] for one in made}) == 5
    listed = send(keys, "GET", "/auth/keys", ADMIN_KEY).json["keys"]
    assert [one["id"] for one in listed[:5]] == [one["id"] for one in reversed(made)]


def test_a_label_can_name_the_user_of_a_key(keys: Client) -> None:
    by_label = make_key(keys, name="k", allowed_api_key=label("key-of-ann"))
    assert by_label["allowed_api_key"] == label("key-of-ann")
    assert send(keys, "GET", "/logs/r1", by_label["api_key"]).status == 200
    assert "label" in refuse(keys, "POST", "/auth/keys", name="k", allowed_api_key=label("key-of-nobody"))
    unseen = make_key(keys, name="k", allowed_api_key="key-without-a-request")
    assert send(keys, "GET", "/logs", unseen["api_key"]).json["data"] == []
    again = make_key(keys, name="k", allowed_api_key=label("key-without-a-request"))
    assert again["allowed_api_key"] == unseen["allowed_api_key"]


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"name": ""},
        {"name": None},
        {"name": 5},
        {"name": "x" * 201},
        {"is_admin": "yes"},
        {"scopes": ["root"]},
        {"scopes": "read"},
        {"scopes": [["read"]]},
        {"description": "x" * 2001},
        {"allowed_api_key": 5},
        {"allowed_api_key": "x" * 1001},
        {"expires_at": "2020-01-01T00:00:00Z"},
        {"expires_at": 0},
        {"expires_at": -1e300},
        {"expires_at": "tomorrow"},
        {"expires_at": True},
    ],
)
def test_an_invalid_key_to_issue_is_rejected(keys: Client, fields: dict[str, Any]) -> None:
    before = send(keys, "GET", "/auth/keys", ADMIN_KEY).json["total"]
    refuse(keys, "POST", "/auth/keys", **({"name": "x", **fields} if fields else {"description": "no name"}))
    assert send(keys, "GET", "/auth/keys", ADMIN_KEY).json["total"] == before


@pytest.mark.parametrize("text", ["\0", "a\0b", "\ud800", "\U0001f642" * 100, "…#0123456789ab", "\0…#0123456789ab"])
def test_any_text_is_stored_or_rejected(keys: Client, text: str) -> None:
    for field in ("name", "description", "allowed_api_key"):
        fields = {"name": "x", field: text}
        made = send(keys, "POST", "/auth/keys", ADMIN_KEY, **fields)
        assert made.status in {200, 400}, made.data
        key_id = make_key(keys, name="x")["id"]
        assert send(keys, "PUT", "/auth/keys", ADMIN_KEY, id=key_id, **{field: text}).status == made.status
        if made.status == 200:
            assert send(keys, "GET", "/auth/validate", made.json["api_key"]).json["name"]
