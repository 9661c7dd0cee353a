"""Join the chunks of a stream into the response that the server would have sent without streaming.

OpenAI's chunks are joined as its clients join them (`openai.lib.streaming.chat`): texts and lists are concatenated,
other values are replaced by the latest one that is not null.
"""

from collections.abc import Callable, Sequence
from typing import cast

from core.errors import InvalidInputError
from core.responses.expect import Body, find_either, find_object, find_text, list_objects
from core.responses.join_native import join_gemini, join_llama_cpp, join_ollama, join_sglang, join_tgi
from core.responses.join_output import has_ended, is_output_event, join_output
from core.responses.merge import finish, merge

_FIRST = ("id", "created", "model")
"""Fields that the clients take from the first chunk."""

_PARALLEL = ("token_logprobs", "top_logprobs", "text_offset", "token_ids")
"""Lists of legacy completions with one entry per token."""


def join_stream(chunks: Sequence[Body], path: str) -> Body:
    """Join the chunks of one stream.

    Raises:
        InvalidInputError: the shape of the chunks is unknown.
    """
    _refuse_several(chunks, path)
    parts = [part for chunk in chunks for part in list_objects(chunk.get("choices"))]
    is_alone = len(set(map(_index_of, parts))) < 2
    failed = next((i for i, chunk in enumerate(chunks) if _is_failure(chunk, is_alone=is_alone)), None)
    if failed is not None and not is_output_event(chunks[0]):
        begun = join_stream(chunks[:failed], path) if failed else {}
        return {**begun, "status": "failed", "error": chunks[failed]["error"]}
    join = next((join for fits, join in _JOINERS if fits(chunks[0])), None)
    if join is None and len(chunks) > 1:
        raise InvalidInputError(f"{path}: unknown shape of chunks; send the complete response")
    return chunks[0] if join is None else cast("Body", finish(join(chunks)))


def is_cut(chunks: Sequence[Body]) -> bool:
    """Whether a stream ended before its answers did, as far as its shape shows."""
    if is_output_event(chunks[0]):
        return not any(has_ended(one) or one.get("type") == "error" for one in chunks)
    parts = [part for one in chunks for part in list_objects(one.get("choices")) or list_objects(one.get("candidates"))]
    begun = {_index_of(part) for part in parts}
    ended = {_index_of(part) for part in parts if part.get("finish_reason") or find_either(part, "finishReason")}
    is_ended = ended == begun if begun else _is_last(chunks[-1])
    return not is_ended and not any(one.get("error") is not None for one in chunks)


def _index_of(part: Body) -> int:
    index = part.get("index")
    return index if type(index) is int else 0


def _is_failure(chunk: Body, *, is_alone: bool) -> bool:
    """Whether a chunk reports the failure of the call. OpenRouter writes it next to an empty choice, if it is alone."""
    reasons = [part.get("finish_reason") for part in list_objects(chunk.get("choices"))]
    return chunk.get("error") is not None and ("choices" not in chunk or (is_alone and "error" in reasons))


def have_one_shape(rows: Sequence[object]) -> bool:
    """Whether all rows are chunks of one shape, or errors."""
    bodies = [find_object(row) for row in rows]
    fits = next((fits for fits, _ in _JOINERS if fits(bodies[0])), None)
    return fits is not None and all(fits(body) or "error" in body for body in bodies)


def split_answers(chunks: Sequence[Body]) -> list[list[Body]]:
    """Split a stream of SGLang or llama.cpp, which has one answer per `index`."""
    answers: dict[int | None, list[Body]] = {}
    for chunk in chunks:
        has_index = "meta_info" in chunk or "stop" in chunk
        index = chunk.get("index") if has_index else 0
        answers.setdefault(index if type(index) is int else None, []).append(chunk)
    known = [index for index in answers if index is not None]
    return [answers[index] for index in sorted(known)] if len(known) == len(answers) else [list(chunks)]


def _refuse_several(chunks: Sequence[Body], path: str) -> None:
    """Reject the chunks of several calls, which would be joined as one answer."""
    ended: dict[int, object] = {}
    for i, chunk in enumerate(chunks):
        call = chunk.get("id") or chunk.get("responseId")
        for part in list_objects(chunk.get("choices")) or list_objects(chunk.get("candidates")):
            index = _index_of(part)
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
        given = {name: value for name, value in chunk.items() if value and name != "choices"}
        whole |= {name: value for name, value in given.items() if name not in whole or name not in _FIRST}
        for part in list_objects(chunk.get("choices")):
            choice = choices.setdefault(_index_of(part), {})
            named = {"message" if name == "delta" else name: value for name, value in part.items()}
            merge(choice, {**named, "logprobs": _pad_lists(named["logprobs"])} if named.get("logprobs") else named)
    for choice in choices.values():
        if choice.get("finish_reason", "") is None:  # the stream was truncated
            del choice["finish_reason"]
    kind = (find_text(whole.get("object")) or "").removesuffix(".chunk")
    return {**whole, "object": kind, "choices": [choices[index] for index in sorted(choices)]}


def _pad_lists(logprobs: object) -> object:
    """Write a missing list of a legacy chunk as one null per token, so that the lists of all chunks stay parallel."""
    fields = find_object(logprobs)
    tokens = fields.get("tokens")
    if not isinstance(tokens, list):
        return logprobs
    count = len(cast("list[object]", tokens))
    return {**fields, **{name: [None] * count for name in _PARALLEL if fields.get(name) is None and name in fields}}


_JOINERS: tuple[tuple[Callable[[Body], bool], Callable[[Sequence[Body]], Body]], ...] = (
    (is_output_event, join_output),
    (lambda chunk: "choices" in chunk, _join_choices),
    (lambda chunk: "candidates" in chunk, join_gemini),
    (lambda chunk: "done" in chunk, join_ollama),
    (lambda chunk: isinstance(chunk.get("token"), dict), join_tgi),
    (lambda chunk: "meta_info" in chunk, join_sglang),
    (lambda chunk: "stop" in chunk and "content" in chunk, join_llama_cpp),
)
