"""Join the events of OpenAI's responses API. The last event holds the response, in older versions without logprobs."""

from collections.abc import Sequence

from core.responses.expect import Body, find_list, find_object, find_text, list_objects

_ENDS = ("response.completed", "response.incomplete", "response.failed")


def is_output_event(chunk: Body) -> bool:
    """Whether an object is an event of the responses API."""
    kind = chunk.get("type")
    return isinstance(kind, str) and (kind.startswith("response.") or kind == "error")


def has_ended(event: Body) -> bool:
    """Whether an event ends the response."""
    return event.get("type") in _ENDS


def join_output(events: Sequence[Body]) -> Body:
    """Return the response of the last event, with the logprobs of earlier events where it has none.

    If the stream was truncated, return the received part of the response, with the status incomplete.
    """
    parts = _read_parts(events)
    last = next((find_object(one["response"]) for one in reversed(events) if one.get("response") is not None), {})
    error = next((one for one in events if one.get("type") == "error"), None)
    if error is not None:
        return {**last, "status": "failed", "error": error}
    if not any(map(has_ended, events)):
        content = [{"type": "output_text", **part} for _, part in sorted(parts.items())]
        return {**last, "status": "incomplete", "output": [{"type": "message", "content": content}]}
    output = list_objects(last.get("output"))
    return {**last, "output": [_complete_item(item, i, parts) for i, item in enumerate(output)]}


def _complete_item(item: Body, index: int, parts: dict[tuple[int, int], Body]) -> Body:
    if not isinstance(item.get("content"), list):
        return item
    content = list_objects(item["content"])
    return {**item, "content": [_complete(part, parts.get((index, j), {})) for j, part in enumerate(content)]}


def _complete(part: Body, joined: Body) -> Body:
    return part if part.get("logprobs") or not joined.get("logprobs") else {**part, "logprobs": joined["logprobs"]}


def _read_parts(events: Sequence[Body]) -> dict[tuple[int, int], Body]:
    """Join the deltas of each part of the text. An event that ends a part contains the whole part."""
    parts: dict[tuple[int, int], Body] = {}
    for event in events:
        kind, place = event.get("type"), (_count(event.get("output_index")), _count(event.get("content_index")))
        if kind == "response.output_text.delta":
            part = parts.setdefault(place, {"text": "", "logprobs": []})
            part["text"] = f"{part['text']}{find_text(event.get('delta')) or ''}"
            find_list(part["logprobs"]).extend(find_list(event.get("logprobs")))
        elif kind == "response.output_text.done":
            logprobs = find_list(event.get("logprobs")) or find_list(parts.get(place, {}).get("logprobs"))
            parts[place] = {"text": event.get("text"), "logprobs": logprobs}
    return parts


def _count(value: object) -> int:
    return value if type(value) is int else 0
