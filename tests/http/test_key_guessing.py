"""Guessing of keys becomes slower with each guess, without effect on callers that have a key."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from functions.web import guesses
from functions.web.guesses import FIRST_WAIT_S, FREE_GUESSES, Guesses, TooManyGuessesError
from tests.support.client import Client, make_key
from tests.support.streams import ask_for_socket


def guess(client: Client, number: int, path: str = "/auth/me") -> float:
    """Send a wrong key and return the seconds until the answer."""
    began = time.monotonic()
    assert client.request("GET", path, None, x_api_key=f"guess {number}").status == 401
    return time.monotonic() - began


def test_different_wrong_keys_are_delayed_and_valid_keys_are_not(new_client: Client) -> None:
    key = make_key(new_client, name="mine")["api_key"]
    for number in range(FREE_GUESSES):
        guess(new_client, number, path="/logs" if number % 2 else "/auth/me")
    with ThreadPoolExecutor(3) as executor:
        waiting = [executor.submit(guess, new_client, 100 + number) for number in range(3)]
        for _ in range(20):
            assert new_client.request("GET", "/auth/me", None, x_api_key=key).status == 200
            assert new_client.get("/auth/me").status == 200
        assert [one.result() >= FIRST_WAIT_S for one in waiting] == [True] * 3


def test_a_websocket_with_a_wrong_key_is_delayed(new_client: Client) -> None:
    for number in range(FREE_GUESSES):
        guess(new_client, number)
    began = time.monotonic()
    assert ask_for_socket(new_client, "guess by socket") == 1000
    assert time.monotonic() - began >= FIRST_WAIT_S


def test_repeating_a_wrong_key_does_not_count() -> None:
    watched = Guesses()
    guesser = watched._find("a")
    waits = [watched._count(guesser, bytes([number % FREE_GUESSES])) for number in range(100)]
    assert waits == [0.0] * 100


def test_delays_grow_up_to_a_limit_and_are_forgotten() -> None:
    now = 0.0
    watched = Guesses(lambda: now)
    count = watched._count
    guesser = watched._find("a")
    waits = [count(guesser, bytes([number])) for number in range(30)]
    assert waits[:FREE_GUESSES] == [0.0] * FREE_GUESSES
    assert waits[FREE_GUESSES:] == sorted(waits[FREE_GUESSES:])
    assert (waits[FREE_GUESSES], waits[-1]) == (FIRST_WAIT_S, guesses.LONGEST_WAIT_S)
    now = guesses.FORGET_S + 1
    assert count(guesser, b"x") == 0.0


def test_memory_and_delayed_answers_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guesses, "MAX_ADDRESSES", 5)
    monkeypatch.setattr(guesses, "MAX_WAITING", 2)

    async def flood() -> int:
        watched = Guesses()
        for number in range(100):
            await watched.wait(f"address {number}", b"x")
        assert len(watched._guessers) == 5
        many = [watched.wait("one", bytes([number])) for number in range(FREE_GUESSES + 10)]
        answers = await asyncio.gather(*many, return_exceptions=True)
        assert len(watched._guessers["one"].recent) <= FREE_GUESSES
        return sum(isinstance(answer, TooManyGuessesError) for answer in answers)

    assert asyncio.run(flood()) == 8
