"""Start a web function and send it one request, without a server: `… first_request logs GET /logs`.

Prints the status when the answer begins. The process that measures the time reads it.
"""

import asyncio
import os
import sys
from collections.abc import MutableMapping
from typing import Any

from functions.deployed import build_endpoint

Message = MutableMapping[str, Any]


async def answer(function: str, method: str, path: str, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    """Open the application of the function and send one request, as Modal's runtime does."""
    app = build_endpoint(function)
    lifespan: asyncio.Queue[Message] = asyncio.Queue()
    started = asyncio.Event()

    async def note(message: Message) -> None:
        if message["type"] == "lifespan.startup.failed":
            sys.exit(message["message"])
        started.set()

    lifespan.put_nowait({"type": "lifespan.startup"})
    state: dict[str, object] = {}
    starting = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": state}
    living = asyncio.create_task(app(starting, lifespan.get, note))
    await started.wait()
    asked: asyncio.Queue[Message] = asyncio.Queue()
    asked.put_nowait({"type": "http.request", "body": body, "more_body": False})
    place, _, query = path.partition("?")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": place,
        "raw_path": place.encode(),
        "query_string": query.encode(),
        "headers": [(b"host", b"127.0.0.1"), *headers],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 2),
        "state": state.copy(),
    }
    await app(scope, asked.get, tell)
    del living


async def tell(message: Message) -> None:
    """Print the status and exit."""
    if message["type"] == "http.response.start":
        os.write(1, b"%d\n" % message["status"])
        os._exit(0)


if __name__ == "__main__":
    name, verb, target, *pairs = sys.argv[1:]
    named = [(one.partition(":")[0].lower().encode(), one.partition(":")[2].strip().encode()) for one in pairs]
    asyncio.run(answer(name, verb, target, named, sys.stdin.buffer.read() if verb == "POST" else b""))
