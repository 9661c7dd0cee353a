"""The recorder of OpenAI calls, with real clients, a model server and Thunder."""

import asyncio
import re
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from openai import AsyncOpenAI, BadRequestError, InternalServerError
from pydantic import BaseModel, ValidationError

from tests.support.client import Client
from tests.support.model_server import (
    BROKEN,
    CONFIDENCE,
    REFUSING,
    WORDS,
    ModelServer,
)
from tests.support.recorders import (
    MESSAGES,
    await_rows,
    open_client,
    open_unrecorded,
    thunder_recorder,
)


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
