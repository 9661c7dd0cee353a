"""The recorder as middleware of a model server."""

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from openai import BadRequestError, OpenAI
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Route

from tests.support.client import Client
from tests.support.model_server import (
    CONFIDENCE,
    REFUSING,
    WORDS,
    make_chunks,
    make_completion,
)
from tests.support.recorders import MESSAGES, await_rows, thunder_recorder


def build_app(thunder: str, spool: Path) -> Any:
    async def chat(request: Request) -> Any:
        body = await request.json()
        if (body["model"] == REFUSING and body.get("logprobs")) or not body["messages"]:
            return JSONResponse({"error": {"message": "not valid", "input": body}}, 400)
        if body.get("stream"):
            events = [f"data: {json.dumps(chunk)}\n\n" for chunk in make_chunks(body)]
            return StreamingResponse(iter([*events, "data: [DONE]\n\n"]), media_type="text/event-stream")
        return JSONResponse(make_completion(body))

    app = Starlette(routes=[Route("/root/v1/chat/completions", chat, methods=["POST"])])
    app.add_middleware(thunder_recorder.RecorderMiddleware, url=thunder, spool=spool)
    return app


@contextmanager
def run_middleware(client: Client, tmp_path: Path) -> Iterator[OpenAI]:
    server = uvicorn.Server(uvicorn.Config(build_app(client.url, tmp_path), port=0, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/root/v1"
        with OpenAI(base_url=url, api_key="x", max_retries=0) as openai:
            yield openai
    finally:
        server.should_exit = True
        thread.join()


@pytest.mark.parametrize("streams", [False, True])
def test_the_middleware_calls_again_without_logprobs(client: Client, tmp_path: Path, *, streams: bool) -> None:
    with run_middleware(client, tmp_path) as openai:
        with pytest.raises(BadRequestError):  # it repeats the request with its logprobs, but the model allows them
            openai.chat.completions.create(model="m", messages=[], stream=streams)
        for name in (REFUSING, REFUSING, "m"):
            answer: Any = openai.chat.completions.create(model=name, messages=MESSAGES, stream=streams)
            parts = [choice.delta for chunk in answer for choice in chunk.choices] if streams else []
            texts = [part.content or "" for part in parts] or [one.message.content for one in answer.choices]
            assert "".join(texts) == "".join(WORDS)
    rows = await_rows(client, 4)
    assert sum(row["sequence_confidence"] is not None for row in rows) == 1


@pytest.mark.parametrize("streams", [False, True])
def test_the_middleware_records_what_a_server_answers(client: Client, tmp_path: Path, *, streams: bool) -> None:
    with run_middleware(client, tmp_path) as openai:
        answer: Any = openai.chat.completions.create(model="m", messages=MESSAGES, stream=streams)
        choices = [choice for chunk in answer for choice in chunk.choices] if streams else answer.choices
        assert all(choice.logprobs is None for choice in choices)
    (row,) = await_rows(client, 1)
    assert row["sequence_confidence"] == pytest.approx(CONFIDENCE)
    assert row["final_text"] == "".join(WORDS)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_middleware_passes_each_event_on_at_once(tmp_path: Path, end: str) -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def server(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
        for i in range(3):
            event = f'event: x{end}data: {{"choices": [{{"logprobs": {i}}}]}}{end}{end}'.encode()
            for piece in (event[:-1], event[-1:]):
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            shown = b"".join(message.get("body", b"") for message in sent)
            assert shown.count(b'"logprobs": null') == i + 1
        await send({"type": "http.response.body", "body": b""})

    async def receive() -> Any:
        return {"type": "http.request", "body": b"{}"}

    scope: Any = {"type": "http", "method": "POST", "path": "/v1/chat/completions", "headers": []}
    middleware = thunder_recorder.RecorderMiddleware(server, "http://127.0.0.1:9", spool=tmp_path)
    asyncio.run(middleware(scope, receive, send))
