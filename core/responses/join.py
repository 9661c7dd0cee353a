"""Join the chunks of a stream into the response that the server would have sent without streaming.

OpenAI's chunks are joined as its clients join them (`openai.lib.streaming.chat`): texts and lists are concatenated,
other values are replaced by the latest one that is not null. Each shape has its own `join`.
"""

from collections.abc import Sequence
from typing import cast

from core.errors import InvalidInputError
from core.responses.expect import Body, find_either, find_index, find_object, list_objects
from core.responses.merge import finish
from core.responses.output import has_ended, is_output_event
from core.responses.shape import Shape
from core.responses.shapes import SHAPES


def join_stream(chunks: Sequence[Body], path: str) -> Body:
    """Join the chunks of one stream.

    Raises:
        InvalidInputError: the shape of the chunks is unknown.
    """
    _refuse_several(chunks, path)
    parts = [part for chunk in chunks for part in list_objects(chunk.get("choices"))]
    is_alone = len(set(map(find_index, parts))) < 2
    failed = next((i for i, chunk in enumerate(chunks) if _is_failure(chunk, is_alone=is_alone)), None)
    if failed is not None and not is_output_event(chunks[0]):
        begun = join_stream(chunks[:failed], path) if failed else {}
        return {**begun, "status": "failed", "error": chunks[failed]["error"]}
    shape = _find_shape(chunks[0])
    if shape is not None and shape.join is not None:
        return cast("Body", finish(shape.join(chunks)))
    if len(chunks) > 1:
        raise InvalidInputError(f"{path}: unknown shape of chunks; send the complete response")
    return chunks[0]


def skip_foreign(chunks: list[Body]) -> list[Body]:
    """Drop the events before the first chunk of a known shape, such as pings. Without such a chunk, drop none."""
    starts = (i for i, chunk in enumerate(chunks) if _find_shape(chunk) is not None or "error" in chunk)
    return chunks[next(starts, 0) :]


def _find_shape(chunk: Body) -> Shape | None:
    return next((shape for shape in SHAPES if shape.is_chunk and shape.is_chunk(chunk)), None)


def is_cut(chunks: Sequence[Body]) -> bool:
    """Return whether a stream ended before its answers did, as far as its shape shows."""
    if is_output_event(chunks[0]):
        return not any(has_ended(one) or one.get("type") == "error" for one in chunks)
    parts = [part for one in chunks for part in list_objects(one.get("choices")) or list_objects(one.get("candidates"))]
    begun = {find_index(part) for part in parts}
    ended = {find_index(part) for part in parts if find_either(part, "finishReason")}
    is_ended = ended == begun if begun else _is_last(chunks[-1])
    return not is_ended and not any(one.get("error") is not None for one in chunks)


def _is_failure(chunk: Body, *, is_alone: bool) -> bool:
    """Return whether a chunk reports the failure of the call. OpenRouter may add an empty choice."""
    reasons = [part.get("finish_reason") for part in list_objects(chunk.get("choices"))]
    return chunk.get("error") is not None and ("choices" not in chunk or (is_alone and "error" in reasons))


def have_one_shape(rows: Sequence[object]) -> bool:
    """Return whether all rows are chunks of one shape, or errors."""
    bodies = [find_object(row) for row in rows]
    shape = _find_shape(bodies[0])
    return shape is not None and all(_find_shape(body) is shape or "error" in body for body in bodies)


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
        call = chunk.get("id") or find_either(chunk, "responseId")
        for part in list_objects(chunk.get("choices")) or list_objects(chunk.get("candidates")):
            index = find_index(part)
            if index in ended and call and ended[index] and call != ended[index]:
                raise _several_error(path, i)
            if find_either(part, "finishReason"):
                ended[index] = call
        if _is_last(chunk) and i + 1 < len(chunks) and _is_last(chunks[-1]):
            raise _several_error(path, i + 1)


def _several_error(path: str, i: int) -> InvalidInputError:
    return InvalidInputError(f"{path}: chunk {i} follows the end of an answer; post each answer separately")


def _is_last(chunk: Body) -> bool:
    """Return whether a chunk of a server with one answer per stream is its last."""
    return (
        chunk.get("done") is True
        or (chunk.get("stop") is True and "content" in chunk)
        or (chunk.get("generated_text") is not None and "token" in chunk)
        or find_object(chunk.get("meta_info")).get("finish_reason") is not None
    )
