"""Read responses of OpenAI's responses API.

Source: OpenAI's API reference, "The response object". The text parts of messages hold entries in the format of chat
completions.
"""

from collections.abc import Sequence
from operator import itemgetter

from core.confidence import Token
from core.responses.expect import (
    Body,
    MissingLogprobsError,
    expect_list,
    expect_object,
    find_count,
    find_id,
    find_list,
    find_object,
    find_text,
    list_objects,
    refuse_too_many,
)
from core.responses.merge import merge
from core.responses.openai import read_entries
from core.responses.reading import Completion, Reading
from core.responses.shape import Shape
from core.responses.summary import Summary

_ASK = 'ask for them with "include": ["message.output_text.logprobs"] and "top_logprobs": 20'

_SHOWN = ("message", "reasoning")
_TEXTS = {"output_text": "text", "refusal": "refusal"}
"""The parts of a message, and the name of the text of each."""
_PLACE = ("output_index", "content_index")
_ENDS = ("response.completed", "response.incomplete", "response.failed")


def _read(body: Body) -> Reading:
    """Read the logprobs of all text parts of all messages, in order."""
    tokens: list[Token] = []
    items = [expect_object(value, f"output[{i}]") for i, value in enumerate(expect_list(body["output"], "output"))]
    for i, item in enumerate(items):
        parts = item.get("content")  # null or absent for tool calls
        for j, value in enumerate([] if parts is None else expect_list(parts, f"output[{i}].content")):
            part = expect_object(value, f"output[{i}].content[{j}]")
            tokens += _read_part(part, f"output[{i}].content[{j}].logprobs", len(tokens))
    if not tokens:  # the server sends empty lists if logprobs were not requested
        raise MissingLogprobsError("output", _ASK)
    has_calls = any(item.get("type", "message") not in _SHOWN for item in items)
    count = None if has_calls else _count_shown(find_object(body.get("usage")))
    text = _summarize(body).text or None
    return Reading(tokens, Completion(text, count=count, ended=body.get("status") != "incomplete"))


def _read_part(part: Body, path: str, before: int) -> list[Token]:
    if part.get("logprobs") is None:
        return []
    refuse_too_many(before + len(expect_list(part["logprobs"], path)), path)
    return read_entries(part["logprobs"], path)


def _count_shown(usage: Body) -> int | None:
    """Count the tokens of the text: the usage without hidden reasoning."""
    count = find_count(usage.get("output_tokens"))
    hidden = find_count(find_object(usage.get("output_tokens_details")).get("reasoning_tokens")) or 0
    return None if count is None else max(0, count - hidden)


def _summarize(body: Body) -> Summary:
    usage = find_object(body.get("usage"))
    items = [item for item in list_objects(body.get("output")) if item.get("type") != "reasoning"]
    parts = [part for item in items for part in list_objects(item.get("content"))]
    texts = [find_text(part.get("text")) or find_text(part.get("refusal")) for part in parts]
    reason = find_text(find_object(body.get("incomplete_details")).get("reason"))
    return Summary(
        request_id=find_id(body.get("id")),
        model=find_text(body.get("model")),
        text="".join(text for text in texts if text) if any(text is not None for text in texts) else None,
        finish_reason=reason or find_text(body.get("status")),
        prompt_tokens=find_count(usage.get("input_tokens")),
        generated_tokens=find_count(usage.get("output_tokens")),
        total_tokens=find_count(usage.get("total_tokens")),
        began=body.get("created_at"),
        ended=body.get("completed_at"),
    )


def is_output_event(chunk: Body) -> bool:
    """Return whether an object is an event of the responses API."""
    kind = chunk.get("type")
    return isinstance(kind, str) and (kind.startswith("response.") or kind == "error")


def has_ended(event: Body) -> bool:
    """Return whether an event ends the response."""
    return event.get("type") in _ENDS


def _join(events: Sequence[Body]) -> Body:
    """Return the response of the last event, with the logprobs of earlier events where it has none.

    If the stream was truncated, return the received part of the response, with the status incomplete.
    """
    parts = _read_parts(events)
    last = next((find_object(one["response"]) for one in reversed(events) if one.get("response") is not None), {})
    error = next((one for one in events if one.get("type") == "error"), None)
    if error is not None:
        return {**last, "status": "failed", "error": error}
    if not any(map(has_ended, events)):
        content = [part for _, part in sorted(parts.items(), key=itemgetter(0))]
        return {**last, "status": "incomplete", "output": [{"type": "message", "content": content}]}
    output = list_objects(last.get("output"))
    return {**last, "output": [_complete_item(item, i, parts) for i, item in enumerate(output)]}


def _complete_item(item: Body, index: int, parts: dict[tuple[int, ...], Body]) -> Body:
    if not isinstance(item.get("content"), list):
        return item
    content = list_objects(item["content"])
    return {**item, "content": [_complete(part, parts.get((index, j), {})) for j, part in enumerate(content)]}


def _complete(part: Body, joined: Body) -> Body:
    return part if part.get("logprobs") or not joined.get("logprobs") else {**part, "logprobs": joined["logprobs"]}


def _read_parts(events: Sequence[Body]) -> dict[tuple[int, ...], Body]:
    """Join the deltas of each part of the answer. An event that ends a part contains the whole part."""
    parts: dict[tuple[int, ...], Body] = {}
    for event in events:
        kind, _, step = (find_text(event.get("type")) or "").removeprefix("response.").rpartition(".")
        if kind not in _TEXTS:
            continue
        part = parts.setdefault(tuple(find_count(event.get(name)) or 0 for name in _PLACE), {"type": kind})
        name, logprobs = _TEXTS[kind], find_list(event.get("logprobs"))
        if step == "delta":
            merge(part, {name: event.get("delta"), "logprobs": logprobs})
        elif step == "done":
            part |= {name: event.get(name)} | ({"logprobs": logprobs} if logprobs else {})
    return parts


OUTPUT = Shape(
    source="openai",
    key="output",
    signs=frozenset({"output"}),
    read=_read,
    summarize=_summarize,
    is_chunk=is_output_event,
    join=_join,
)
