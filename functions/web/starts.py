"""Share the starts of requests among addresses, so that a flood from one address delays the others only a little."""

import asyncio
from collections import deque
from collections.abc import Callable

Start = Callable[[], object]


class Starts:
    """Start at most one request of each address in a pass of the event loop; further requests of the address wait.

    A pass handles all sockets that are ready. Between two requests of one address, all other callers' requests that
    have arrived therefore start, and those that run continue. Only for use in the event loop's thread.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: dict[str, deque[Start]] = {}
        """The waiting requests of each address that has started one in this pass."""

    def take(self, address: str, start: Start) -> None:
        """Call `start` now, or in a later pass if the address has already started a request in this one."""
        if (waiting := self._waiting.get(address)) is not None:
            waiting.append(start)
            return
        if not self._waiting:
            self._loop.call_soon(self._begin_pass)
        self._waiting[address] = deque()
        start()

    def _begin_pass(self) -> None:
        for address, waiting in list(self._waiting.items()):
            if waiting:
                waiting.popleft()()
            else:
                del self._waiting[address]
        if self._waiting:
            self._loop.call_soon(self._begin_pass)
