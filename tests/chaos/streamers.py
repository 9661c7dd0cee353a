"""Clients of the stream that reconnect after each fault, from the last position."""

import json
import time

import urllib3

from tests.chaos.clients import Caller, Chaos
from tests.support.keys import ADMIN_KEY
from tests.support.streams import Events

START = "1:1:"
"""The position before all traces."""
RECONNECT_S = 0.3
SILENCE_S = 20.0
"""Longer than the time between two heartbeats."""


def stream(chaos: Chaos, name: str, seed: str, *, user: str | None = None) -> None:
    """Follow the event stream until the end of the run, with the admin key or a user's, and note every message."""
    caller, last = Caller(chaos, name, seed), START
    while not chaos.ending.is_set():
        try:
            last = follow(caller, user, last)
        except (urllib3.exceptions.HTTPError, StopIteration, OSError):
            time.sleep(RECONNECT_S)


def follow(caller: Caller, user: str | None, last: str) -> str:
    """Read one connection until it breaks, or until a message was dropped. Returns the last position."""
    ledger = caller.chaos.ledger
    with urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(connect=5, read=SILENCE_S)) as pool:
        headers = {"Accept": "text/event-stream", "X-API-Key": user or ADMIN_KEY, "Last-Event-ID": last}
        url = f"{caller.choose_client().url}/logs/stream"
        response = pool.request("GET", url, headers=headers, preload_content=False)
        try:
            if response.status != 200:
                if response.status != 503 and not (response.status == 401 and user):
                    caller.report(f"the stream was answered with {response.status}: {response.data[:200]!r}")
                time.sleep(RECONNECT_S)
                return last
            events = Events(response)
            ledger.write("connect", stream=caller.name, user=user)
            for event in events.events:
                if event.data:
                    message = json.loads("\n".join(event.data))
                    if message["type"] == "lagged":
                        return last
                    row = message["data"]
                    ledger.write("seen", stream=caller.name, id=row["request_id"], text=row["final_text"])
                last = event.id or last
                if caller.chaos.ending.is_set():
                    return last
        except (urllib3.exceptions.HTTPError, OSError):
            pass
        finally:
            response.close()
    return last
