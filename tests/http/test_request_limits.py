"""Requests that are too long or too slow are rejected with an explanation."""

import asyncio

import pytest
from starlette.types import Message, Receive, Scope, Send

from functions.web.limits import Limits
from tests.support.client import Client


def test_long_headers_queries_and_paths_are_rejected(client: Client) -> None:
    assert client.get("/livez", x_padding="x" * 33_000).status == 431
    answer = client.get("/logs?model=" + "x" * 9000)
    assert (answer.status, "query" in answer.json["error"]) == (414, True)
    assert client.get("/logs/" + "x" * 5000).status == 414


@pytest.mark.parametrize("slow", ["pauses", "trickles"])
def test_slow_bodies_time_out(slow: str) -> None:
    answers: list[Message] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        del scope, send
        while (await receive()).get("more_body"):
            pass

    async def receive() -> Message:
        await asyncio.sleep(10 if slow == "pauses" else 0.02)
        return {"type": "http.request", "body": b"x", "more_body": True}

    async def send(message: Message) -> None:
        answers.append(message)

    scope: Scope = {"type": "http", "headers": [], "query_string": b"", "path": "/"}
    with pytest.raises(Exception, match="did not arrive in time"):
        asyncio.run(Limits(app, pause_s=0.1, total_s=0.3)(scope, receive, send))
