"""Reject single chunks of a stream, which resemble a response but contain only one token of it.

Each server marks unfinished responses differently. A body without such a mark is treated as complete.
"""

from collections.abc import Iterable
from itertools import chain
from typing import cast

from core.errors import InvalidInputError
from core.responses.expect import Body, find_either, find_first, find_object, find_text
from core.responses.shapes import SHAPES

_UNFINISHED = ("in_progress", "queued")

_WHOLE = 'set "stream": false to get the complete response'


def refuse_chunk(fields: Body) -> None:
    """Reject a body that is one chunk or event of a stream.

    Raises:
        InvalidInputError: it is one; the message names the field that shows it.
    """
    if _is_event(fields):
        raise InvalidInputError(
            "type: this is one event of a stream; send the complete response, which is in the last event"
        )
    path = _find_chunk(fields)
    if path is not None:
        raise InvalidInputError(f"{path}: this is one chunk of a stream; {_WHOLE}")


def refuse_unfinished(fields: Body) -> None:
    """Reject a choice of a chunk alone, and an unfinished response of OpenAI's responses API.

    Raises:
        InvalidInputError: it is one; the message names the field that shows it.
    """
    is_choice = isinstance(fields.get("delta"), dict) and "choices" not in fields
    is_unfinished = str(fields.get("status")) in _UNFINISHED and fields.get("object") == "response"
    if is_choice or is_unfinished:
        path = "delta" if is_choice else "status"
        raise InvalidInputError(f"{path}: this is one chunk of a stream; {_WHOLE}")


def is_chunk(fields: Body) -> bool:
    """Return whether a body is one chunk or event of a stream."""
    return _is_event(fields) or _find_chunk(fields) is not None


def may_begin_stream(fields: Body) -> bool:
    """Return whether a body may be the first chunk of a stream."""
    return is_chunk(fields) or not {"candidates", "choices"}.isdisjoint(fields)


def is_stream(rows: Iterable[object]) -> bool:
    """Return whether a list contains the chunks of one stream. Any other list contains several items.

    The first chunk shows it, except for legacy completions with a usage in each chunk, and Gemini's chunks. These must
    have one id, or, if they have no ids, only the last one may have ended.
    """
    iterator = iter(rows)
    first = next(iterator, None)
    if not isinstance(first, dict):
        return False
    if is_chunk(cast("Body", first)):
        return True
    key = next((key for key in ("choices", "candidates") if _has_answers(first, key)), None)
    others = list(iterator) if key else []
    if key is None or not others or not all(_has_answers(row, key) for row in others):
        return False
    ids = {_find_id(row) for row in chain([first], others)}
    ends = [_is_ended(row, key) for row in chain([first], others)]
    if key == "choices" and ends[0] and any(find_object(row).get("choices") for row in others):
        return False
    return (len(ids) == 1 and None not in ids) or (ids == {None} and ends == [False] * len(others) + [True])


def _has_answers(row: object, key: str) -> bool:
    """Return whether a row may be a chunk. The last ones of a stream may have only the usage."""
    fields = find_object(row)
    if key == "choices":
        return fields.get(key) == [] or "text" in find_first(fields.get(key))
    return key in fields or not {"usageMetadata", "usage_metadata"}.isdisjoint(fields)


def _find_id(row: object) -> object:
    fields = find_object(row)
    return find_text(fields.get("id") or find_either(fields, "responseId"))


def _is_ended(row: object, key: str) -> bool:
    return find_either(find_first(find_object(row).get(key)), "finishReason") is not None


def _is_event(fields: Body) -> bool:
    kind = fields.get("type")
    return isinstance(kind, str) and (kind.startswith("response.") or kind.endswith(("delta", "start")))


def _find_chunk(fields: Body) -> str | None:
    return next((path for shape in SHAPES if (path := shape.find_chunk(fields)) is not None), None)
