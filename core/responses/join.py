"""Join the chunks of a stream into the response that the server would have sent without streaming.

OpenAI's chunks are joined as its clients join them (`openai.lib.streaming.chat`): texts and lists are concatenated,
other values are replaced by the latest one that is not null.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import cast

from core.errors import InvalidInputError
from core.responses.expect import find_either, find_object, find_text
from core.responses.join_output import is_output_event, join_output

Body = dict[str, object]

_FIXED = frozenset({"role", "type", "id", "name", "object", "finish_reason", "token", "stop_reason"})
"""Keys of texts that the next chunk replaces instead of continuing."""
MAX_DEPTH = 8
"""Maximum levels of nested objects that are joined."""
MAX_CALLS = 1000
"""Maximum parts in a chunk that are identified by an index, such as tool calls."""


class _Texts(list[str]):
    """The parts of a text, which are joined at the end. Appending each part to the text would take quadratic time."""


def join_stream(chunks: Sequence[Body], path: str) -> Body:
    """Join the chunks of one stream.

    Raises:
        InvalidInputError: the shape of the chunks is unknown.
    """
    _refuse_several(chunks, path)
    failed = next((chunk for chunk in chunks if chunk.get("error") is not None and "choices" not in chunk), None)
    if failed is not None and not is_output_event(chunks[0]):
        return {"error": failed["error"]}
    join = next((join for fits, join in _JOINERS if fits(chunks[0])), None)
    if join is None and len(chunks) > 1:
        raise InvalidInputError(f"{path}: unknown shape of chunks; send the complete response")
    return chunks[0] if join is None else cast("Body", finish(join(chunks)))


def have_one_shape(rows: Sequence[object]) -> bool:
    """Whether all rows are chunks of one shape, or errors."""
    bodies = [find_object(row) for row in rows]
    fits = next((fits for fits, _ in _JOINERS if fits(bodies[0])), None)
    return fits is not None and all(fits(body) or "error" in body for body in bodies)


def split_answers(chunks: Sequence[Body]) -> list[list[Body]]:
    """Split a stream of SGLang or llama.cpp, which has one answer per `index`."""
    answers: dict[object, list[Body]] = {}
    for chunk in chunks:
        has_index = "meta_info" in chunk or "stop" in chunk
        answers.setdefault(chunk.get("index") if has_index else 0, []).append(chunk)
    known = [index for index in answers if type(index) is int]
    return [answers[index] for index in sorted(known)] if len(known) == len(answers) else [list(chunks)]


def _refuse_several(chunks: Sequence[Body], path: str) -> None:
    """Reject the chunks of several calls, which would be joined as one answer."""
    ended: dict[object, object] = {}
    for i, chunk in enumerate(chunks):
        call = chunk.get("id") or chunk.get("responseId")
        for part in _objects(chunk.get("choices")) or _objects(chunk.get("candidates")):
            index = part.get("index", 0)
            if index in ended and call and ended[index] and call != ended[index]:
                raise _several_error(path, i)
            if part.get("finish_reason") or find_either(part, "finishReason"):
                ended[index] = call
        if _is_last(chunk) and i + 1 < len(chunks) and _is_last(chunks[-1]):
            raise _several_error(path, i + 1)


def _several_error(path: str, i: int) -> InvalidInputError:
    return InvalidInputError(f"{path}: chunk {i} follows the end of an answer; post each answer separately")


def _is_last(chunk: Body) -> bool:
    """Whether a chunk of a server with one answer per stream is its last."""
    return (
        chunk.get("done") is True
        or (chunk.get("stop") is True and "content" in chunk)
        or (chunk.get("generated_text") is not None and "token" in chunk)
        or find_object(chunk.get("meta_info")).get("finish_reason") is not None
    )


def _join_choices(chunks: Sequence[Body]) -> Body:
    """Join chunks of chat completions (`delta`) and legacy completions (`text`)."""
    whole: Body = {}
    choices: dict[int, Body] = {}
    for chunk in chunks:
        whole |= {name: value for name, value in chunk.items() if value and name != "choices"}
        for part in _objects(chunk.get("choices")):
            index = part.get("index")
            choice = choices.setdefault(index if type(index) is int else 0, {})
            merge(choice, {"message" if name == "delta" else name: value for name, value in part.items()})
    for choice in choices.values():
        if choice.get("finish_reason", "") is None:  # the stream was truncated
            del choice["finish_reason"]
    kind = (find_text(whole.get("object")) or "").removesuffix(".chunk")
    return {**whole, "object": kind, "choices": [choices[index] for index in sorted(choices)]}


def merge(whole: Body, part: Body, depth: int = 0) -> None:
    """Add the values of a chunk to the previously joined ones."""
    for name, value in part.items():
        before = whole.get(name)
        if value is None:
            whole.setdefault(name, None)
        elif isinstance(before, _Texts) and isinstance(value, str):
            before.append(value)
        elif isinstance(before, dict) and isinstance(value, dict) and depth < MAX_DEPTH:
            merge(cast("Body", before), cast("Body", value), depth + 1)
        elif isinstance(before, list) and isinstance(value, list):
            _extend(name, cast("list[object]", before), cast("list[object]", value))
        else:
            whole[name] = _copy(name, value, depth)


def finish(value: object, depth: int = 0) -> object:
    """Concatenate the collected parts of all texts. Deeper values are as posted."""
    if isinstance(value, _Texts):
        return "".join(value)
    if depth > MAX_DEPTH + 4:
        return value
    if isinstance(value, dict):
        return {name: finish(one, depth + 1) for name, one in cast("Body", value).items()}
    return [finish(one, depth + 1) for one in cast("list[object]", value)] if isinstance(value, list) else value


def _extend_calls(before: list[object], more: list[object]) -> None:
    """Add the parts of tool calls. Parts of one call have the same index."""
    for one in map(find_object, more):
        index = one.get("index")
        calls = map(find_object, before[:MAX_CALLS])
        found = next((call for call in calls if call.get("index") == index), None)
        if found is None:
            found = Body()
            before.append(found)
        merge(found, one, depth=2)


def _copy(name: str, value: object, depth: int) -> object:
    """Copy the containers that later chunks will change, so that the posted chunks stay unchanged."""
    if isinstance(value, str) and name not in _FIXED:
        return _Texts([value])
    if isinstance(value, dict) and depth < MAX_DEPTH:
        copied: Body = {}
        merge(copied, cast("Body", value), depth + 1)
        return copied
    if not isinstance(value, list):
        return value
    rows: list[object] = []
    _extend(name, rows, cast("list[object]", value))
    return rows


def _extend(name: str, before: list[object], more: list[object]) -> None:
    if name == "tool_calls":
        _extend_calls(before, more)
    else:
        before.extend(more)


def _join_ollama(chunks: Sequence[Body]) -> Body:
    whole: Body = {}
    for chunk in chunks:
        merge(whole, {name: chunk[name] for name in ("response", "thinking", "message", "logprobs") if name in chunk})
    return {**chunks[0], **chunks[-1], **whole, "done": True}


def _join_llama_cpp(chunks: Sequence[Body]) -> Body:
    whole: Body = {}
    for chunk in chunks:
        merge(whole, {name: chunk[name] for name in ("content", "tokens", "completion_probabilities") if name in chunk})
    return {**chunks[-1], **whole, "stop": True}


def _join_tgi(chunks: Sequence[Body]) -> Body:
    tokens = [chunk["token"] for chunk in chunks if chunk.get("token") is not None]
    tops = [chunk.get("top_tokens") or list[object]() for chunk in chunks if chunk.get("token") is not None]
    last = chunks[-1]
    texts = [find_text(token.get("text")) or "" for token in map(find_object, tokens) if not token.get("special")]
    details = {**find_object(last.get("details")), "tokens": tokens, "top_tokens": tops if any(tops) else None}
    return {"generated_text": find_text(last.get("generated_text")) or "".join(texts), "details": details}


def _join_sglang(chunks: Sequence[Body]) -> Body:
    """SGLang repeats everything so far in each chunk, unless it was started with incremental output."""
    texts = [find_text(chunk.get("text")) or "" for chunk in chunks]
    if all(later.startswith(earlier) for earlier, later in pairwise(texts)):
        return chunks[-1]
    whole: Body = {}
    for chunk in chunks:
        info = find_object(chunk.get("meta_info"))
        lists = {name: info[name] for name in ("output_token_logprobs", "output_top_logprobs") if name in info}
        ids = {"output_ids": chunk["output_ids"]} if "output_ids" in chunk else {}
        merge(whole, {"text": chunk.get("text"), "meta_info": lists, **ids})
    last = chunks[-1]
    info = {**find_object(last.get("meta_info")), **find_object(whole.get("meta_info"))}
    return {**last, **whole, "meta_info": info}


def _join_gemini(chunks: Sequence[Body]) -> Body:
    whole: Body = {}
    for chunk in chunks:
        merge(whole, {name: value for name, value in chunk.items() if name != "candidates"})
        for name in ("usageMetadata", "usage_metadata", "responseId", "modelVersion", "createTime"):
            if chunk.get(name) is not None:
                whole[name] = chunk[name]
    candidates: dict[int, Body] = {}
    for part in (part for chunk in chunks for part in _objects(chunk.get("candidates"))):
        index = part.get("index")
        candidate = candidates.setdefault(index if type(index) is int else 0, {})
        merge(candidate, {name: value for name, value in part.items() if name not in ("finishReason", "finish_reason")})
        reason = find_either(part, "finishReason")
        if reason is not None:
            candidate["finishReason"] = reason
    return {**whole, "candidates": [candidates[index] for index in sorted(candidates)]}


_JOINERS: tuple[tuple[Callable[[Body], bool], Callable[[Sequence[Body]], Body]], ...] = (
    (is_output_event, join_output),
    (lambda chunk: "choices" in chunk, _join_choices),
    (lambda chunk: "candidates" in chunk, _join_gemini),
    (lambda chunk: "done" in chunk, _join_ollama),
    (lambda chunk: "token" in chunk, _join_tgi),
    (lambda chunk: "meta_info" in chunk, _join_sglang),
    (lambda chunk: "stop" in chunk and "content" in chunk, _join_llama_cpp),
)


def _objects(value: object) -> list[Body]:
    return [find_object(one) for one in cast("list[object]", value)] if isinstance(value, list) else []
