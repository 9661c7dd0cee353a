"""Streams of any server, posted as text, as a list of chunks, or as lines."""

import json

import pytest

from core.responses.items import read_event_item, read_item
from core.traces.kept import keep_answer
from tests.support.answers import post
from tests.support.chunks import AZURE, STREAMS, make_chat, make_gemini, make_ollama, make_sglang, write_events
from tests.support.client import Client
from tests.support.model_server import CONFIDENCE, WORDS


@pytest.mark.parametrize("name", STREAMS)
@pytest.mark.parametrize("form", ["list", "text", "text in an item", "list in an item"])
def test_a_stream_is_read_like_the_response_it_is(client: Client, name: str, form: str) -> None:
    chunks, text = STREAMS[name], write_events(STREAMS[name], "\r\n")
    match form:
        case "list":
            answer = post(client, chunks)
        case "text":
            answer = client.post_bytes("/v1/ingest", text.encode(), content_type="text/event-stream")
        case _:
            answer = post(client, {"request": {}, "response": text if form == "text in an item" else chunks})
    assert answer.status == 201, answer.data
    request_id = answer.json["request_id"]
    assert answer.json["sequence_confidence"] == pytest.approx(CONFIDENCE)
    log = client.log(request_id)
    assert (log["final_text"], [step["token_text"] for step in log["steps"]]) == ("".join(WORDS), list(WORDS))
    assert log["warnings"] == []
    if form == "text":
        document = client.get(f"/logs/{request_id}/trace")
        assert document.data == text.encode()
        assert document.headers["Content-Type"].startswith("text/event-stream")


@pytest.mark.parametrize("has_id", [False, True])
def test_gemini_s_chunks_are_one_answer_without_a_usage_in_the_first(client: Client, *, has_id: bool) -> None:
    chunks = [
        {name: value for name, value in chunk.items() if name not in ("usageMetadata", "responseId")}
        for chunk in make_gemini()
    ]
    if has_id:
        chunks = [{**chunk, "responseId": "g-1"} for chunk in [*chunks, {"usageMetadata": {"promptTokenCount": 1}}]]
    answer = post(client, chunks)
    assert answer.status == 201, answer.data
    assert client.log(answer.json["request_id"])["final_text"] == "".join(WORDS)


@pytest.mark.parametrize("media_type", ["application/json", "application/x-ndjson", "text/event-stream"])
@pytest.mark.parametrize("length", [4, 1500])
def test_ollama_s_lines_are_one_answer(client: Client, media_type: str, length: int) -> None:
    *parts, end = make_ollama()
    text = "".join(json.dumps(chunk) + "\n" for chunk in [*(parts * (length // 4)), end])
    answer = client.post_bytes("/v1/ingest", text.encode(), content_type=media_type)
    result = answer.json["results"][0] if media_type == "application/x-ndjson" else answer.json
    assert answer.status == (207 if media_type == "application/x-ndjson" else 201)
    log = client.log(result["request_id"])
    assert (log["source"], log["final_text"]) == ("ollama", "".join(WORDS) * (length // 4))
    assert len(log["steps"]) == length
    document = client.get(f"/logs/{result['request_id']}/trace")
    assert (document.data, document.headers["Content-Type"]) == (text.encode(), "application/x-ndjson")


@pytest.mark.parametrize("media_type", ["application/json", "application/x-ndjson"])
def test_a_chunk_among_other_lines_harms_no_other(client: Client, media_type: str) -> None:
    whole = {"request_id": "whole", "response": {"tokens": [{"text": "a", "logprob": -0.1}]}}
    text = "\n".join(map(json.dumps, [make_ollama()[0], whole]))
    results = client.post_bytes("/v1/ingest", text.encode(), content_type=media_type).json["results"]
    assert [one["status"] for one in results] == [400, 201]


def test_each_answer_of_a_native_stream_is_a_request(client: Client) -> None:
    """SGLang with n, and llama.cpp with several prompts, number the answers of one stream."""
    one = make_sglang(is_whole=True)
    chunks = [{**chunk, "index": index} for chunk in one for index in (1, 0)]
    answer = post(client, {"request_id": "n", "response": write_events(chunks)})
    assert [result["request_id"] for result in answer.json["results"]] == ["n~0", "n~1"], answer.data
    assert [client.log(f"n~{index}")["final_text"] for index in range(2)] == ["".join(WORDS)] * 2


@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_that_broke_off_keeps_what_arrived(name: str) -> None:
    chunks = [chunk for chunk in STREAMS[name] if chunk is not AZURE]
    texts: list[str] = ["".join(WORDS[:count]) for count in range(len(WORDS) + 1)]
    for count in range(1, len(chunks)):
        kept = keep_answer(read_event_item(write_events(chunks[:count])), 0)
        text = kept.trace.document.request.final_text
        assert (text or "") in texts
        assert [step.text for step in kept.trace.pairing.steps] == list(WORDS[: texts.index(text or "")])
        assert bool(kept.facts.warnings) == (kept.facts.finish_reason != "stop") or not text


def test_a_refusal_that_broke_off_is_kept() -> None:
    place = {"output_index": 0, "content_index": 0}
    events = [{"type": "response.refusal.delta", **place, "delta": delta} for delta in ("I ", "can't")]
    kept = keep_answer(read_item(events), 0)
    assert (kept.trace.document.request.final_text, kept.facts.finish_reason) == ("I can't", "incomplete")


def test_a_stream_of_several_choices_is_a_group(client: Client) -> None:
    answer = post(client, {"request_id": "g", "request": {}, "response": make_chat(2)})
    assert [row["request_id"] for row in answer.json["results"]] == ["g~0", "g~1"]
    assert client.log("g~1")["final_text"] == "".join(WORDS)


def test_a_stream_that_fails_keeps_its_facts(client: Client) -> None:
    text = write_events([*make_chat()[:2], {"error": {"message": "boom"}}])
    answer = client.post_bytes("/v1/ingest", text.encode(), content_type="text/event-stream")
    log = client.log(answer.json["request_id"])
    assert (log["source"], log["error"], log["model_id"]) == ("openai", "boom", "m")
    assert (log["final_text"], log["sequence_confidence"], log["steps"]) == (WORDS[0] + WORDS[1], None, [])
