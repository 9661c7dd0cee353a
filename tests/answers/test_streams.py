"""Streams, as text and as lists of chunks, are joined as the official clients join them."""

import json
import math
from typing import Any

import pytest
from openai import OpenAI

from core.responses.items import read_item
from core.responses.join import join_stream
from tests.answers.test_ingest_answers import post
from tests.support.client import Client
from tests.support.model_server import CONFIDENCE, PROBS, WORDS, make_chunks, run_model_server

Chunks = list[dict[str, Any]]
ENTRIES = [{"token": word, "logprob": math.log(prob)} for word, prob in zip(WORDS, PROBS, strict=True)]
PAIRS = list(zip(WORDS, PROBS, strict=True))


def write_events(chunks: Chunks, end: str = "\n") -> str:
    return "".join(f": note{end}event: x{end}data: {json.dumps(chunk)}{end}{end}" for chunk in chunks)


def make_chat(n: int = 1) -> Chunks:
    return list(make_chunks({"model": "m", "logprobs": True, "n": n, "stream_options": {"include_usage": True}}))


def make_legacy() -> Chunks:
    head = {"id": "cmpl-1", "object": "text_completion", "created": 5, "model": "m"}
    chunks: Chunks = []
    for word, prob in PAIRS:
        lists = {"tokens": [word], "token_logprobs": [math.log(prob)], "top_logprobs": [{word: math.log(prob)}]}
        chunks.append({**head, "choices": [{"index": 0, "text": word, "logprobs": lists, "finish_reason": None}]})
    chunks.append({**head, "choices": [{"index": 0, "text": "", "logprobs": None, "finish_reason": "stop"}]})
    return chunks


def make_events(*, is_complete: bool = True) -> Chunks:
    """Events of the responses API, whose last one has no logprobs, as in older versions."""
    place = {"output_index": 0, "content_index": 0}
    response = {"id": "resp_1", "model": "m", "created_at": 5, "status": "in_progress", "output": list[Any]()}
    events: Chunks = [{"type": "response.created", "response": response}]
    for entry in ENTRIES:
        delta = {"type": "response.output_text.delta", **place, "delta": entry["token"], "logprobs": [entry]}
        events.append(delta)
    if is_complete:
        part = {"type": "output_text", "text": "".join(WORDS), "logprobs": list[Any]()}
        done = {**response, "status": "completed", "output": [{"type": "message", "content": [part]}]}
        events.append({"type": "response.completed", "response": done})
    return events


def make_ollama() -> Chunks:
    chunks: Chunks = [
        {"model": "m", "message": {"role": "assistant", "content": word}, "logprobs": [entry], "done": False}
        for word, entry in zip(WORDS, ENTRIES, strict=True)
    ]
    end = {"content": "", "role": "assistant"}
    return [*chunks, {"model": "m", "message": end, "done": True, "done_reason": "stop", "eval_count": 4}]


def make_tgi() -> Chunks:
    chunks: Chunks = [
        {"index": i, "token": {"id": i, "text": word, "logprob": math.log(prob), "special": False}}
        for i, (word, prob) in enumerate(PAIRS)
    ]
    for chunk in chunks:
        chunk |= {"generated_text": None, "details": None}
    chunks[-1] |= {"generated_text": "".join(WORDS), "details": {"finish_reason": "eos_token", "generated_tokens": 4}}
    return chunks


def make_llama_cpp() -> Chunks:
    chunks: Chunks = [
        {"content": word, "stop": False, "completion_probabilities": [{"id": i, **entry, "top_logprobs": list[Any]()}]}
        for i, (word, entry) in enumerate(zip(WORDS, ENTRIES, strict=True))
    ]
    return [*chunks, {"content": "", "stop": True, "stop_type": "eos", "tokens_predicted": 4, "model": "m"}]


def make_sglang(*, is_whole: bool) -> Chunks:
    rows = [[math.log(prob), i, word] for i, (word, prob) in enumerate(PAIRS)]
    chunks: Chunks = []
    for i in range(len(WORDS)):
        first = 0 if is_whole else i
        info = {"output_token_logprobs": rows[first : i + 1], "completion_tokens": i + 1}
        info |= {"finish_reason": {"type": "stop"} if i == len(WORDS) - 1 else None}
        chunks.append({"text": "".join(WORDS[first : i + 1]), "meta_info": info})
    return chunks


def make_gemini() -> Chunks:
    chunks: Chunks = []
    for word, prob in PAIRS:
        chosen = [{"token": word, "logProbability": math.log(prob)}]
        candidate = {
            "content": {"role": "model", "parts": [{"text": word}]},
            "logprobsResult": {"chosenCandidates": chosen},
        }
        chunks.append({"candidates": [candidate], "usageMetadata": {"promptTokenCount": 3}})
    chunks[-1]["candidates"][0]["finishReason"] = "STOP"
    return chunks


AZURE: dict[str, Any] = {"id": "", "object": "", "created": 0, "model": "", "choices": [], "prompt_filter_results": []}
"""The first chunk of Azure's streams. Its last one may have no names, either."""

STREAMS: dict[str, Chunks] = {
    "chat": make_chat(),
    "azure": [AZURE, *make_chat(), AZURE],
    "legacy": make_legacy(),
    "responses": make_events(),
    "ollama": make_ollama(),
    "tgi": make_tgi(),
    "llama.cpp": make_llama_cpp(),
    "sglang": make_sglang(is_whole=True),
    "sglang, incremental": make_sglang(is_whole=False),
    "gemini": make_gemini(),
}


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


def test_a_text_of_several_events_is_one_stream(client: Client) -> None:
    """Also if its chunks look like whole responses: vLLM's with continuous usage, or one token and then the usage."""
    continuous = [{**chunk, "usage": {"completion_tokens": i + 1}} for i, chunk in enumerate(make_legacy())]
    (first, *_) = make_legacy()
    ended = {**first, "choices": [{**first["choices"][0], "finish_reason": "length"}]}
    short = [ended, {**first, "choices": list[Any](), "usage": {"completion_tokens": 1}}]
    for chunks, text in ((continuous, "".join(WORDS)), (short, WORDS[0])):
        answer = client.post_bytes("/v1/ingest", write_events(chunks).encode(), content_type="text/event-stream")
        assert (answer.status, answer.json["request_id"]) == (201, "cmpl-1"), answer.data
        assert client.log("cmpl-1")["final_text"] == text

    for chunks in (continuous, short):
        answer = post(client, chunks)
        assert (answer.status, answer.json["request_id"], answer.json["tokens"]) == (201, "cmpl-1", len(chunks) - 1)


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


@pytest.mark.parametrize("make", [make_ollama, make_chat, make_llama_cpp, make_tgi])
def test_streams_of_two_calls_are_not_joined_as_one(client: Client, make: Any) -> None:
    two = [{**chunk, "id": f"call-{call}"} for call in range(2) for chunk in make()]
    answer = post(client, two)
    assert (answer.status, b"post each answer separately" in answer.data) == (400, True), answer.data


def test_each_answer_of_a_native_stream_is_a_request(client: Client) -> None:
    """SGLang with n, and llama.cpp with several prompts, number the answers of one stream."""
    one = make_sglang(is_whole=True)
    chunks = [{**chunk, "index": index} for chunk in one for index in (1, 0)]
    answer = post(client, {"request_id": "n", "response": write_events(chunks)})
    assert [result["request_id"] for result in answer.json["results"]] == ["n~0", "n~1"], answer.data
    assert [client.log(f"n~{index}")["final_text"] for index in range(2)] == ["".join(WORDS)] * 2


def test_a_cut_stream_of_the_responses_api_is_kept(client: Client) -> None:
    answer = post(client, make_events(is_complete=False))
    assert answer.status == 201
    log = client.log(answer.json["request_id"])
    assert (log["final_text"], log["eos_reason"]) == ("".join(WORDS), "incomplete")


def test_a_stream_of_several_choices_is_a_group(client: Client) -> None:
    answer = post(client, {"request_id": "g", "request": {}, "response": make_chat(2)})
    assert [row["request_id"] for row in answer.json["results"]] == ["g~0", "g~1"]
    assert client.log("g~1")["final_text"] == "".join(WORDS)


def test_an_error_within_a_stream_is_a_failed_call(client: Client) -> None:
    text = write_events([*make_chat()[:2], {"error": {"message": "overloaded", "code": 500}}])
    answer = client.post_bytes("/v1/ingest", text.encode(), content_type="text/event-stream")
    assert answer.status == 201
    assert client.log(answer.json["request_id"])["error"] == "overloaded"


def test_chunks_are_joined_as_the_official_client_joins_them() -> None:
    with run_model_server() as model, OpenAI(base_url=model.url, api_key="x") as openai:
        messages: Any = [{"role": "user", "content": "?"}]
        with openai.chat.completions.stream(model="m", messages=messages, logprobs=True, top_logprobs=2) as stream:
            events = list(stream)
            joined: Any = stream.get_final_completion().to_dict(mode="json")
        chunks: Chunks = [event.chunk.to_dict(mode="json") for event in events if event.type == "chunk"]
    ours: Any = join_stream(chunks, "body")
    (choice,), (expected,) = ours["choices"], joined["choices"]
    assert choice["logprobs"]["content"] == expected["logprobs"]["content"]
    assert choice["message"]["content"] == expected["message"]["content"]
    assert choice["finish_reason"] == expected["finish_reason"]


def test_tool_calls_are_joined_by_their_index() -> None:
    def call(index: int, **function: str) -> dict[str, Any]:
        return {"choices": [{"index": 0, "delta": {"tool_calls": [{"index": index, "function": function}]}}]}

    chunks = [call(0, name="a", arguments='{"x'), call(1, name="b", arguments="{}"), call(0, arguments='": 1}')]
    joined: Any = join_stream(chunks, "body")
    (choice,) = joined["choices"]
    functions = [one["function"] for one in choice["message"]["tool_calls"]]
    assert functions == [{"name": "a", "arguments": '{"x": 1}'}, {"name": "b", "arguments": "{}"}]


def test_long_streams_are_joined_in_linear_time() -> None:
    chunk = {"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"content": "word "}}]}
    answers: Any = read_item([chunk] * 100_000).answers
    (answer,) = answers
    assert len(answer["choices"][0]["message"]["content"]) == 500_000


def make_sglang_part(text: str, rows: list[Any], *, count: int, is_last: bool) -> dict[str, Any]:
    reason = {"type": "stop"} if is_last else None
    info = {"id": "s", "finish_reason": reason, "completion_tokens": count, "output_token_logprobs": rows}
    return {"text": text, "output_ids": [row[1] for row in rows], "meta_info": info}


@pytest.mark.parametrize("has_text_so_far", [False, True])
@pytest.mark.parametrize("has_rows_so_far", [False, True])
@pytest.mark.parametrize("words", [("a", "aa"), ("a", "a"), ("A", " b")])
def test_sglang_s_chunks_repeat_texts_and_tokens_or_not(
    words: tuple[str, str], *, has_text_so_far: bool, has_rows_so_far: bool
) -> None:
    """Also where the pieces of the answer, such as `a` and `aa`, look like a text that grows."""
    one, two = ([-0.1, 1, words[0]], [-0.1, 1 if words[0] == words[1] else 2, words[1]])
    whole = words[0] + words[1]
    chunks = [
        make_sglang_part(words[0], [one], count=1, is_last=False),
        make_sglang_part(
            whole if has_text_so_far else words[1], [one, two] if has_rows_so_far else [two], count=2, is_last=True
        ),
    ]
    joined: Any = join_stream(chunks, "body")
    assert (joined["text"], joined["meta_info"]["output_token_logprobs"]) == (whole, [one, two])
    assert joined["output_ids"] == [one[1], two[1]]


def test_a_chunk_without_a_list_leaves_the_lists_parallel(client: Client) -> None:
    chunks = make_legacy()
    chunks[0]["choices"][0]["logprobs"]["top_logprobs"] = None
    log = client.log(post(client, chunks).json["request_id"])
    assert [step["token_text"] for step in log["steps"]] == list(WORDS)
    assert log["sequence_confidence"] == pytest.approx(CONFIDENCE)


def test_a_stream_that_fails_keeps_its_facts(client: Client) -> None:
    text = write_events([*make_chat()[:2], {"error": {"message": "boom"}}])
    answer = client.post_bytes("/v1/ingest", text.encode(), content_type="text/event-stream")
    log = client.log(answer.json["request_id"])
    assert (log["source"], log["error"], log["model_id"]) == ("openai", "boom", "m")
    assert (log["final_text"], log["sequence_confidence"], log["steps"]) == (WORDS[0] + WORDS[1], None, [])
