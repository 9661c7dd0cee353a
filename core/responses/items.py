"""Recognise an item by its keys, and read it."""

from typing import cast

from core.responses.chunks import is_chunk
from core.responses.expect import expect_object
from core.responses.item import Item, is_envelope, read_answers, read_bare, read_envelope
from core.responses.litellm import is_litellm, read_litellm


def read_item(raw: object) -> Item:
    """Read a parsed item of any shape: an object, or the chunks of a stream as a list.

    Raises:
        UnknownResponseError: the shape of the response is unknown.
        InvalidInputError: a field is not valid; the message names its path.
    """
    if isinstance(raw, list):
        answers, error = read_answers(raw, "body")
        return Item(answers, id_path="id", error=error)
    fields = expect_object(raw, "body")
    if is_litellm(fields):
        return read_litellm(fields)
    return read_envelope(fields) if is_envelope(fields) else read_bare(fields)


def read_event_item(text: str) -> Item:
    """Read an item that was posted as Server-Sent Events.

    Raises:
        InvalidInputError: the text is not a stream of JSON events, or can't be joined.
    """
    answers, error = read_answers(text, "body")
    return Item(answers, id_path="id", error=error)


def is_stream(raw: object) -> bool:
    """Whether a parsed list contains the chunks of one stream. Any other list contains several items."""
    if not isinstance(raw, list) or not raw or not isinstance(raw[0], dict):
        return False
    return is_chunk(cast("dict[str, object]", raw[0]))
