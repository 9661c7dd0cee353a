"""Joining chunks: which of them belong together, and how."""

import json
from typing import Any

import pytest
from openai import OpenAI

from core.errors import InvalidInputError
from core.responses.answers import read_answers
from core.responses.items import read_event_item, read_item
from core.responses.join import join_stream
from core.responses.recognize import summarize_response
from tests.support.answers import post
from tests.support.chunks import Chunks, make_chat, make_legacy, make_llama_cpp, make_ollama, make_tgi, write_events
from tests.support.client import Client
from tests.support.model_server import CONFIDENCE, WORDS, run_model_server


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


@pytest.mark.parametrize("make", [make_ollama, make_chat, make_llama_cpp, make_tgi])
def test_streams_of_two_calls_are_not_joined_as_one(client: Client, make: Any) -> None:
    two = [{**chunk, "id": f"call-{call}"} for call in range(2) for chunk in make()]
    answer = post(client, two)
    assert (answer.status, b"post each answer separately" in answer.data) == (400, True), answer.data


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


def make_chunks(*deltas: str | list[Any], end: str | None = "stop", **more: Any) -> list[dict[str, Any]]:
    chunks: list[dict[str, Any]] = [
        {"id": f"c{i}", "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"content": one}}]}
        for i, one in enumerate(deltas)
    ]
    chunks[-1]["choices"][0]["finish_reason"] = end
    chunks[-1] |= more
    return chunks


def write(chunks: list[dict[str, Any]], last: str = "") -> str:
    return "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + last


@pytest.mark.parametrize(
    ("text", "is_cut"),
    [
        (write(make_chunks("a", "b")), False),
        (write(make_chunks("a", "b", end=None), "data: [DONE]\n\n"), False),
        (write(make_chunks("a", "b", end=None)), True),
        (write(make_chunks("a", "b"), 'data: {"id": "c2", "obj'), True),
        (write(make_chunks("a", "b"), "data"), False),
        ('{"done": false, "response": "a"}\n{"done": false, "response": "b"}\n', True),
        ('{"done": false, "response": "a"}\n{"done": true, "response": "b"}\n', False),
        ('{"done": false, "response": "a"}\n{"done": false, "response": "b"}\n{"don', True),
    ],
)
def test_a_stream_that_broke_off_is_kept_with_a_warning(text: str, *, is_cut: bool) -> None:
    item = read_event_item(text)
    (answer,) = item.answers
    assert summarize_response(answer).text == "ab"
    assert bool(item.warnings) == is_cut


def test_a_line_that_is_not_json_in_the_middle_is_rejected() -> None:
    with pytest.raises(InvalidInputError, match="body: event 1 is not JSON"):
        read_event_item("data: {}\n\ndata: {oops\n\ndata: [DONE]\n\n")


def test_a_stream_that_ends_in_an_error_next_to_a_choice_is_a_failed_call() -> None:
    chunks = make_chunks("a", "", end="error", error={"code": 502, "message": "provider gone"})
    assert read_item(chunks).error == "provider gone"
    whole = {"choices": [{"finish_reason": "error", "message": {"content": "a"}}], "error": {"message": "gone"}}
    assert read_item(whole).error == "gone"


def test_the_first_chunk_names_the_answer_as_in_the_client() -> None:
    joined: Any = join_stream(make_chunks("a", "b", id="other", usage={"completion_tokens": 2}), "body")
    assert (joined["id"], joined["usage"]) == ("c0", {"completion_tokens": 2})


@pytest.mark.parametrize("index", [[1], {}, "0", None])
def test_an_index_that_is_no_number_is_treated_as_absent(index: object) -> None:
    choices = make_chunks("Pa", "ris")
    for chunk in choices:
        for part in chunk["choices"]:
            part["index"] = index
    reasons = (None, {"type": "stop"})
    sglang = [{"text": "a", "index": index, "meta_info": {"finish_reason": reason}} for reason in reasons]
    assert [len(read_answers(chunks, "body").bodies) for chunks in (choices, sglang)] == [1, 1]


@pytest.mark.parametrize("foreign", [{}, {"type": "ping"}, {"type": "codex.rate_limits", "limits": [1]}])
def test_an_event_of_another_program_before_the_first_chunk_is_ignored(foreign: dict[str, Any]) -> None:
    (answer,) = read_event_item(write([foreign, *make_chunks("a", "b")])).answers
    assert summarize_response(answer).text == "ab"


def test_a_response_before_a_stream_in_a_list_is_not_dropped() -> None:
    with pytest.raises(InvalidInputError):
        read_answers([{"tokens": [{"text": "x", "logprob": -1.0}]}, *make_chunks("a", "b")], "body")


def test_a_content_of_texts_and_parts_is_joined_in_order() -> None:
    """Mistral sends the reasoning as parts, and the answer as texts."""
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}
    for contents in (["", [thinking], "a", "b"], [[thinking], "a", [{"type": "text", "text": "b"}]]):
        chunks = make_chunks(*contents)
        assert summarize_response(join_stream(chunks, "body")).text == "ab"
