"""Recognize an item by its keys, and read it."""

from collections.abc import Iterable
from typing import cast

from core.errors import InvalidInputError
from core.responses.answers import read_answers
from core.responses.chunks import is_stream, may_begin_stream
from core.responses.expect import expect_object
from core.responses.item import Item, is_envelope, read_bare, read_envelope
from core.responses.join import have_one_shape
from core.responses.litellm import is_litellm, read_litellm
from core.wire.parse_json import parse_json

MAX_CHUNK_BYTES = 1024 * 1024
"""A longer first line is not a chunk."""


def read_item(raw: object) -> Item:
    """Read a parsed item of any shape: an object, or the chunks of a stream as a list.

    Raises:
        UnknownResponseError: the shape of the response is unknown.
        InvalidInputError: a field is not valid; the message names its path.
    """
    if isinstance(raw, list):
        answers, error, warnings = read_answers(raw, "body")
        return Item(answers, id_path="id", error=error, warnings=warnings)
    fields = expect_object(raw, "body")
    if is_litellm(fields):
        return read_litellm(fields)
    return read_envelope(fields) if is_envelope(fields) else read_bare(fields)


def read_event_item(text: str) -> Item:
    """Read an item that was posted as Server-Sent Events.

    Raises:
        InvalidInputError: the text is not a stream of JSON events, or can't be joined.
    """
    answers, error, warnings = read_answers(text, "body")
    return Item(answers, id_path="id", error=error, warnings=warnings)


def is_stream_of_lines(lines: Iterable[bytes]) -> bool:
    """Return whether lines are the chunks of one stream, as Ollama sends it. Any other lines are separate items."""
    iterator = iter(lines)
    first = next(iterator, b"")
    if len(first) > MAX_CHUNK_BYTES or b'"events"' in first:  # a Quote trace is not parsed twice
        return False
    try:
        head = parse_json(first)
        if not isinstance(head, dict) or not may_begin_stream(cast("dict[str, object]", head)):
            return False
        rows = [head, *map(parse_json, iterator)]
    except InvalidInputError:
        return False
    return len(rows) > 1 and is_stream(rows) and have_one_shape(rows)
