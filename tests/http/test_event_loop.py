"""No work proportional to a body runs on the event loop: other callers are answered while a large body is prepared."""

import asyncio
import contextlib
import json
import random
import threading
import time
from typing import Any

import pytest
import urllib3
import uvicorn
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core.traces.log_view import PackedJson
from functions import api
from functions.web.compress import Compress, compress_body
from functions.web.lifespan import open_context
from functions.web.stored import answer_stored

DIGITS = b'"' + random.Random(7).randbytes(6_000_000).hex().encode() + b'"'
"""12 MB that compress about as poorly as logprobs."""
TICK_S = 0.001
ATTEMPTS = 3
"""The best of several attempts counts, because the machine may be busy."""
SHARE = 4
"""The loop must be free for three quarters of the time that the compression takes."""


async def answer_now(_: Request) -> Response:
    return Response(DIGITS, media_type="application/json")


async def answer_from_store(request: Request) -> Response:
    return await answer_stored(request, PackedJson(compress_body(DIGITS, "zstd")))


class Lag:
    """The longest time in seconds during which the event loop ran nothing else."""

    longest = 0.0

    async def watch(self) -> None:
        before = time.monotonic()
        while True:
            await asyncio.sleep(TICK_S)
            now = time.monotonic()
            self.longest, before = max(self.longest, now - before - TICK_S), now


def ask(url: str, accepted: str) -> None:
    with urllib3.PoolManager(retries=False, timeout=60) as pool:
        answer = pool.request("GET", url, headers={"Accept-Encoding": accepted})
        assert (answer.status, answer.headers.get("Content-Encoding")) == (200, accepted)
        assert answer.data == DIGITS


async def measure_lag(path: str, accepted: str) -> float:
    """Serve on a real socket in this loop, and measure the loop while a client in a thread is answered."""
    app = FastAPI(lifespan=open_context)
    app.add_route("/now", answer_now)
    app.add_route("/stored", answer_from_store)
    app.add_middleware(Compress)
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning"))
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - it has no event for that
        await asyncio.sleep(0.005)
    port = server.servers[0].sockets[0].getsockname()[1]
    found: list[float] = []
    for _ in range(ATTEMPTS):
        lag = Lag()
        watching = asyncio.create_task(lag.watch())
        await asyncio.to_thread(ask, f"http://127.0.0.1:{port}{path}", accepted)
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching
        found.append(lag.longest)
    server.should_exit = True
    await serving
    return min(found)


def time_compression(encoding: str) -> float:
    began = time.monotonic()
    compress_body(DIGITS, encoding)
    return time.monotonic() - began


@pytest.mark.parametrize("path", ["/now", "/stored"])
def test_others_are_answered_while_a_large_answer_is_compressed(path: str) -> None:
    lag = asyncio.run(measure_lag(path, "gzip"))
    assert lag < time_compression("gzip") / SHARE


def test_the_openapi_document_is_built_once_and_in_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    app, threads = api.web(), list[threading.Thread]()
    build = app.openapi

    def note_thread() -> dict[str, Any]:
        threads.append(threading.current_thread())
        return build()

    monkeypatch.setattr(app, "openapi", note_thread)
    (answer,) = [one.endpoint for one in app.routes if isinstance(one, Route) and one.path == "/openapi.json"]

    async def ask_together() -> list[Response]:
        return await asyncio.gather(*(answer(Request({"type": "http"})) for _ in range(3)))

    bodies = [bytes(one.body) for one in asyncio.run(ask_together())]
    assert [json.loads(one) for one in bodies] == [build()] * 3
    assert len(threads) == 1
    assert threads[0] is not threading.main_thread()
