"""No key and no owner can use all streams of a process."""

import asyncio
import contextlib

import pytest

from core.access.caller import SETTING_ADMIN, Caller, Scope
from core.errors import ThunderError
from core.stream import room
from core.stream.position import Position, Snapshot
from core.stream.room import CrowdedError, TooManyStreamsError, require_room
from core.stream.subscription import NO_FILTERS, Subscription, Wanted
from tests.support.client import Client, make_key
from tests.support.keys import ADMIN_KEY
from tests.support.posts import post
from tests.support.streams import ask_for_events, ask_for_socket, open_events, open_socket

START = Position(Snapshot.parse("1:1:"))
USER, OTHER = "key-of-the-first-user", "key-of-the-second-user"


async def _never(_: Subscription) -> None:
    raise AssertionError


def make_stream(key: str, caller: Caller) -> Subscription:
    one = Subscription(key, Wanted(NO_FILTERS), _never)
    one.caller, one.position = caller, START
    return one


def make_user(number: int) -> Caller:
    return Caller("user", frozenset({Scope.READ}), owner=number.to_bytes(4), poster="user")


def count_room(opened: list[Subscription], key: str, caller: Caller) -> tuple[int, type[ThunderError]]:
    """Return how many more streams a key can open, and the error of the next one."""
    opened = list(opened)
    while True:
        one = make_stream(key, caller)
        try:
            require_room(one, opened)
        except ThunderError as error:
            return len(opened), type(error)
        opened.append(one)


def test_keys_and_owners_have_limits_and_admins_a_reserve() -> None:
    async def count() -> None:
        assert count_room([], "k", make_user(1)) == (room.MAX_PER_KEY, TooManyStreamsError)
        first, second = ([make_stream(key, make_user(1)) for _ in range(room.MAX_PER_KEY)] for key in ("k", "l"))
        assert count_room([*first, *second], "m", make_user(1)) == (room.MAX_PER_OWNER, TooManyStreamsError)
        full = [make_stream(f"k{number}", make_user(number)) for number in range(room.MAX_STREAMS)]
        users = full[: room.MAX_STREAMS - room.RESERVED_FOR_ADMINS]
        assert count_room(users, "k", make_user(5000)) == (len(users), CrowdedError)
        assert count_room(users, ADMIN_KEY, SETTING_ADMIN) == (room.MAX_STREAMS, CrowdedError)
        assert count_room([], ADMIN_KEY, SETTING_ADMIN) == (room.MAX_PER_ADMIN, TooManyStreamsError)

    asyncio.run(count())


def test_the_limit_of_an_owner_covers_its_keys_and_no_other_owner(
    listening: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "MAX_PER_OWNER", 3)
    monkeypatch.setattr(room, "MAX_PER_KEY", 2)
    post(listening, "mine", user=USER)
    post(listening, "theirs", user=OTHER)
    issued = make_key(listening, name="k", allowed_api_key=USER)["api_key"]
    with contextlib.ExitStack() as opened:
        opened.enter_context(open_events(listening, key=USER))
        opened.enter_context(open_socket(listening, {"X-API-Key": USER}, {}))
        refused = ask_for_events(listening, USER)
        assert (refused.status, "this key has 2" in refused.json["error"]) == (429, True)
        assert "retry-after" in refused.headers
        opened.enter_context(open_events(listening, key=issued))
        refused = ask_for_events(listening, issued)
        assert (refused.status, "you have 3" in refused.json["error"]) == (429, True)
        assert ask_for_socket(listening, issued) == 1013
        assert ask_for_events(listening, OTHER).status == 200
        assert ask_for_events(listening, ADMIN_KEY).status == 200
        assert ask_for_events(listening, "unknown").status == 401
    assert ask_for_events(listening, USER).status == 200
