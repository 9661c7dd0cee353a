"""The recorder: what its caller sees, what Thunder gets, and what happens while Thunder is away."""

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import urllib3
import uvicorn
from openai import AsyncOpenAI, BadRequestError, InternalServerError, OpenAI
from pydantic import BaseModel, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Route

from tests.support.bystanders import run_server
from tests.support.client import Client
from tests.support.environment import ROOT
from tests.support.keys import ADMIN_KEY
from tests.support.model_server import (
    BROKEN,
    CONFIDENCE,
    REFUSING,
    WORDS,
    ModelServer,
    make_chunks,
    make_completion,
    run_model_server,
)

sys.path.insert(0, str(ROOT / "docs" / "recorder"))
thunder_recorder: Any = import_module("thunder_recorder")

CALLS = ROOT / "tests" / "support" / "recorder_calls.py"
MESSAGES: Any = [{"role": "user", "content": "Capital?"}]
PATIENCE_S = 20


@pytest.fixture(scope="module")
def model() -> Iterator[ModelServer]:
    with run_model_server() as server:
        yield server


def find_free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def await_rows(client: Client, count: int) -> list[dict[str, Any]]:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        rows = client.get("/logs?limit=100").json["data"]
        if len(rows) >= count:
            return rows
        time.sleep(0.05)
    raise AssertionError(f"{len(rows)} of {count} answers arrived")


OPENED: list[OpenAI] = []


@pytest.fixture(autouse=True)
def _close_clients() -> Iterator[None]:
    yield
    while OPENED:
        OPENED.pop().close()


def open_unrecorded(model: ModelServer) -> OpenAI:
    OPENED.append(OpenAI(base_url=model.url, api_key="x", max_retries=0))
    return OPENED[-1]


def open_client(model: ModelServer, thunder: str, spool: Path) -> Any:
    return thunder_recorder.record(open_unrecorded(model), url=thunder, spool=spool)


@pytest.mark.parametrize("streams", [False, True])
@pytest.mark.parametrize("asks", [False, True])
def test_answers_are_recorded_and_the_caller_sees_what_it_asked_for(
    client: Client, model: ModelServer, tmp_path: Path, *, streams: bool, asks: bool
) -> None:
    openai = open_client(model, client.url, tmp_path)
    options: dict[str, Any] = {"logprobs": True} if asks else {}
    answer = openai.chat.completions.create(model="m", messages=MESSAGES, stream=streams, **options)
    choices = [choice for chunk in answer for choice in chunk.choices] if streams else answer.choices
    texts = [choice.delta.content or "" if streams else choice.message.content for choice in choices]
    assert "".join(texts) == "".join(WORDS)
    assert any(choice.logprobs is not None for choice in choices) == asks
    (row,) = await_rows(client, 1)
    assert row["sequence_confidence"] == pytest.approx(CONFIDENCE)
    assert row["final_text"] == "".join(WORDS)
    log = client.log(row["request_id"])
    assert (log["user_prompt"], log["warnings"]) == ("Capital?", [])
    assert log["inference_stats"]["wall_time_ms"] > 0


@pytest.mark.parametrize("streams", [False, True])
def test_an_async_client_is_recorded(client: Client, model: ModelServer, tmp_path: Path, *, streams: bool) -> None:
    async def call() -> None:
        inner = AsyncOpenAI(base_url=model.url, api_key="x", max_retries=0)
        async with thunder_recorder.record(inner, url=client.url, spool=tmp_path) as openai:
            answer = await openai.chat.completions.create(model="m", messages=MESSAGES, stream=streams)
            if streams:
                assert [choice.logprobs async for chunk in answer for choice in chunk.choices] == [None] * 5
            else:
                assert answer.choices[0].logprobs is None

    asyncio.run(call())
    (row,) = await_rows(client, 1)
    assert row["sequence_confidence"] == pytest.approx(CONFIDENCE)


def test_a_model_that_refuses_logprobs_is_called_without_and_remembered(
    client: Client, model: ModelServer, tmp_path: Path
) -> None:
    openai, before = open_client(model, client.url, tmp_path), len(model.received)
    for _ in range(2):
        assert openai.chat.completions.create(model=REFUSING, messages=MESSAGES).choices[0].message.content
    assert ["logprobs" in body for body in model.received[before:]] == [True, False, False]
    assert [row["sequence_confidence"] for row in await_rows(client, 2)] == [None, None]


def test_a_refusal_that_the_caller_caused_stays_its_error(client: Client, model: ModelServer, tmp_path: Path) -> None:
    openai = open_client(model, client.url, tmp_path)
    with pytest.raises(BadRequestError):
        openai.chat.completions.create(model=REFUSING, messages=MESSAGES, logprobs=True)
    assert client.log(await_rows(client, 1)[0]["request_id"])["error"]


def test_a_failed_call_is_recorded_and_raised(client: Client, model: ModelServer, tmp_path: Path) -> None:
    openai = open_client(model, client.url, tmp_path)
    with pytest.raises(InternalServerError):
        openai.chat.completions.create(model=BROKEN, messages=MESSAGES)
    (row,) = await_rows(client, 1)
    assert "the model is broken" in client.log(row["request_id"])["error"]


class Capital(BaseModel):
    capital: str


def finish(stream: Any) -> Any:
    with stream as events:
        for _ in events:
            pass
        return events


WAYS: dict[str, Any] = {
    "copy": lambda it: it.with_options(timeout=9).chat.completions.create(model="m", messages=MESSAGES),
    "copy of a copy": lambda it: it.copy().copy().chat.completions.create(model="m", messages=MESSAGES),
    "recorded again": lambda it: thunder_recorder.record(it.copy()).responses.create(model="m", input="Capital?"),
    "beta": lambda it: it.beta.chat.completions.create(model="m", messages=MESSAGES),
    "chat stream": lambda it: finish(it.chat.completions.stream(model="m", messages=MESSAGES)).get_final_completion(),
    "responses": lambda it: it.responses.create(model="m", input="Capital?"),
    "responses stream": lambda it: finish(it.responses.stream(model="m", input="Capital?")).get_final_response(),
    "responses chunks": lambda it: list(it.responses.create(model="m", input="Capital?", stream=True))[-1],
    "responses parse": lambda it: it.responses.parse(model="m", input="Capital?"),
}


@pytest.mark.parametrize("way", WAYS)
def test_every_way_to_call_a_model_is_recorded_once(
    client: Client, model: ModelServer, tmp_path: Path, way: str
) -> None:
    answer = WAYS[way](open_client(model, client.url, tmp_path))
    logprobs = re.findall(r'"logprobs": *(\[\]|null|.)', answer.to_json(indent=None))
    assert set(logprobs) <= {"[]", "null"}, "the caller did not ask for logprobs"
    (row,) = await_rows(client, 1)
    assert row["sequence_confidence"] == pytest.approx(CONFIDENCE)
    assert (row["source"], row["final_text"]) == ("openai", "".join(WORDS))
    assert client.log(row["request_id"])["user_prompt"] == "Capital?"


def test_a_parsed_answer_is_recorded(client: Client, model: ModelServer, tmp_path: Path) -> None:
    openai = open_client(model, client.url, tmp_path)
    with pytest.raises(ValidationError):  # the answer of this model is not JSON
        openai.chat.completions.parse(model="m", messages=MESSAGES, response_format=Capital)
    assert len(await_rows(client, 1)) == 1


@pytest.mark.parametrize("prefix", ["with_raw_response", "with_streaming_response"])
@pytest.mark.parametrize("streams", [False, True])
def test_a_raw_response_is_recorded_as_it_is(
    client: Client, model: ModelServer, tmp_path: Path, prefix: str, *, streams: bool
) -> None:
    inner = open_unrecorded(model)
    assert getattr(inner.chat.completions, prefix), "a cached wrapper of the unrecorded method"
    completions = thunder_recorder.record(inner, url=client.url, spool=tmp_path).chat.completions
    for asks in (False, True):
        made = getattr(completions, prefix).create(model="m", messages=MESSAGES, stream=streams, logprobs=asks)
        with made if prefix == "with_streaming_response" else nullcontext(made) as raw:
            answer = raw.parse()
            choices = [choice for chunk in answer for choice in chunk.choices] if streams else answer.choices
        assert any(choice.logprobs is not None for choice in choices) == asks
    rows = await_rows(client, 2)
    assert {row["final_text"] for row in rows} == {"".join(WORDS)}
    assert sorted(row["sequence_confidence"] is None for row in rows) == [False, True]


def test_an_async_raw_stream_is_recorded(client: Client, model: ModelServer, tmp_path: Path) -> None:
    async def call() -> None:
        async with AsyncOpenAI(base_url=model.url, api_key="x", max_retries=0) as inner:
            await call_raw(inner)

    async def call_raw(inner: AsyncOpenAI) -> None:
        openai = thunder_recorder.record(inner, url=client.url, spool=tmp_path).with_options(timeout=9)
        options: Any = {"model": "m", "messages": MESSAGES, "stream": True, "logprobs": True}
        async with openai.chat.completions.with_streaming_response.create(**options) as raw:
            lines = [line async for line in raw.iter_lines()]
        assert "data: [DONE]" in lines
        async with openai.chat.completions.stream(model="m", messages=MESSAGES) as events:
            assert [event.type async for event in events]

    asyncio.run(call())
    assert [row["sequence_confidence"] for row in await_rows(client, 2)] == [pytest.approx(CONFIDENCE)] * 2


def test_nothing_is_lost_and_no_token_waits_while_thunder_is_away(
    client: Client, model: ModelServer, tmp_path: Path
) -> None:
    away = f"http://127.0.0.1:{find_free_port()}"
    command = [sys.executable, str(CALLS), model.url]
    began = time.monotonic()
    done = subprocess.run([*command, away, str(tmp_path), "5"], capture_output=True, text=True, timeout=60, check=True)
    assert float(done.stdout) < 2, "a call waited for Thunder"
    assert time.monotonic() - began < 30, "the exit takes at most five seconds"
    assert len(list(tmp_path.iterdir())) == 5
    subprocess.run([*command, client.url, str(tmp_path), "1"], capture_output=True, timeout=60, check=True)
    assert len(await_rows(client, 6)) == 6
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_accepts_and_never_answers_delays_nothing(model: ModelServer, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        command = [sys.executable, str(CALLS), model.url, url, str(tmp_path), "3"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert float(done.stdout) < 2
    assert len(list(tmp_path.iterdir())) == 3


def test_processes_share_a_spool_and_post_each_item_once(client: Client, model: ModelServer, tmp_path: Path) -> None:
    away = f"http://127.0.0.1:{find_free_port()}"
    command = [sys.executable, str(CALLS), model.url]
    subprocess.run([*command, away, str(tmp_path), "20"], capture_output=True, timeout=60, check=True)
    both = [subprocess.Popen([*command, client.url, str(tmp_path), "1"], stdout=subprocess.DEVNULL) for _ in range(2)]
    assert [one.wait(60) for one in both] == [0, 0]
    rows = await_rows(client, 22)
    assert [row["request_id"] for row in rows if client.log(row["request_id"])["revision"] != 1] == []


def test_a_full_spool_drops_the_oldest(tmp_path: Path) -> None:
    spool = thunder_recorder.Spool(tmp_path, limit=2500)
    for index in range(5):
        spool.put(bytes([index]) * 1000)
    assert [path.read_bytes()[0] for path in spool.list()] == [3, 4]


def test_an_item_of_a_dead_process_is_taken_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spool = thunder_recorder.Spool(tmp_path)
    spool.put(b"{}")
    assert spool.claim(spool.list()[0])
    assert spool.list() == []
    monkeypatch.setattr(thunder_recorder, "STALE_S", -1.0)
    spool.recover()
    assert [path.read_bytes() for path in spool.list()] == [b"{}"]


def build_app(thunder: str, spool: Path) -> Any:
    async def chat(request: Request) -> Any:
        body = await request.json()
        if (body["model"] == REFUSING and body.get("logprobs")) or not body["messages"]:
            return JSONResponse({"error": {"message": "not valid", "input": body}}, 400)
        if body.get("stream"):
            events = [f"data: {json.dumps(chunk)}\n\n" for chunk in make_chunks(body)]
            return StreamingResponse(iter([*events, "data: [DONE]\n\n"]), media_type="text/event-stream")
        return JSONResponse(make_completion(body))

    app = Starlette(routes=[Route("/v1/chat/completions", chat, methods=["POST"])])
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
        url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/v1"
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


def test_a_killed_thunder_loses_nothing_and_delays_nothing(
    model: ModelServer, database_url: str, tmp_path: Path
) -> None:
    url = f"http://127.0.0.1:{(port := find_free_port())}"
    openai = open_client(model, url, tmp_path / "spool")
    settings = {"APP_PORT": str(port), "INGEST_AUTH": "open"}
    waits: list[float] = []

    def call() -> None:
        began = time.monotonic()
        openai.chat.completions.create(model="m", messages=MESSAGES)
        waits.append(time.monotonic() - began)

    with run_server(tmp_path, database_url, **settings) as server:
        client = Client(urllib3.PoolManager(retries=False, timeout=60), url, ADMIN_KEY)
        call()
        await_rows(client, 1)
        for pid in server.list_processes():
            os.kill(pid, signal.SIGKILL)
        for _ in range(5):
            call()
    with run_server(tmp_path, database_url, **settings):
        call()
        assert len(await_rows(client, 7)) == 7
    client.pool.clear()
    assert max(waits) < 2
