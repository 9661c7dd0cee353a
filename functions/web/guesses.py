"""Slow down guessing of API keys: each further wrong key from an address delays its 401 longer.

Valid keys are never delayed, even from the same address. Repeating the same wrong key does not count, so an engine with
a revoked key does not get slower. Each process counts separately.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from core.errors import ThunderError

FREE_GUESSES = 10
"""Different wrong keys that an address may send without delay."""
FIRST_WAIT_S = 0.1
LONGEST_WAIT_S = 5.0
FORGET_S = 300.0
"""An address that sends no wrong key for this long starts over."""
MAX_ADDRESSES = 10_000
MAX_WAITING = 20
"""Delayed answers per address; further guesses are refused at once."""
MAX_WAITING_IN_ALL = 1000
FINGERPRINT_BYTES = 8


class TooManyGuessesError(ThunderError):
    """Too many answers to wrong keys are already delayed."""

    status = 429


@dataclass(slots=True)
class _Guesser:
    count: int = 0
    waiting: int = 0
    latest: float = 0.0
    recent: OrderedDict[bytes, None] = field(default_factory=OrderedDict[bytes, None])


class Guesses:
    """Wrong keys by address, in bounded memory. The address that has been quiet longest is forgotten first."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._guessers: OrderedDict[str, _Guesser] = OrderedDict()
        self._waiting = 0

    async def wait(self, address: str, fingerprint: bytes) -> None:
        """Count a wrong key and wait for the delay of its address.

        Args:
            address: the address that sent the key.
            fingerprint: a hash of the key.

        Raises:
            TooManyGuessesError: too many answers are already delayed.
        """
        guesser = self._find(address)
        seconds = self._count(guesser, fingerprint[:FINGERPRINT_BYTES])
        if not seconds:
            return
        if guesser.waiting >= MAX_WAITING or self._waiting >= MAX_WAITING_IN_ALL:
            raise TooManyGuessesError("API key: too many wrong keys from this address; wait a minute")
        guesser.waiting += 1
        self._waiting += 1
        try:
            await asyncio.sleep(seconds)
        finally:
            guesser.waiting -= 1
            self._waiting -= 1

    def _find(self, address: str) -> _Guesser:
        guesser = self._guessers.setdefault(address, _Guesser())
        self._guessers.move_to_end(address)
        if len(self._guessers) > MAX_ADDRESSES:
            self._guessers.popitem(last=False)
        return guesser

    def _count(self, guesser: _Guesser, fingerprint: bytes) -> float:
        """Count a guess unless it repeats a recent one. Return the delay in seconds."""
        now = self._clock()
        if now - guesser.latest > FORGET_S:
            guesser.count = 0
            guesser.recent.clear()
        guesser.latest = now
        if fingerprint in guesser.recent:
            return 0.0
        guesser.recent[fingerprint] = None
        if len(guesser.recent) > FREE_GUESSES:
            guesser.recent.popitem(last=False)
        guesser.count += 1
        over = guesser.count - FREE_GUESSES
        return min(FIRST_WAIT_S * 2.0 ** min(over - 1, 10), LONGEST_WAIT_S) if over > 0 else 0.0
