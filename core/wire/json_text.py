"""Write JSON with orjson, and replace the values that orjson refuses."""

import math
from collections.abc import Callable
from typing import Any

import orjson

from core.errors import InvalidInputError

_INT64 = 2**63
_UINT64 = 2**64


def dump_json(value: object) -> bytes:
    """Write a value as JSON.

    A lone surrogate becomes U+FFFD, an integer of more than 64 bits a double, and a number beyond a double null.

    Raises:
        InvalidInputError: the value is nested more deeply than orjson supports (about 250 levels).
    """
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError:
        pass
    try:
        return orjson.dumps(make_writable(value))
    except (orjson.JSONEncodeError, RecursionError):
        raise InvalidInputError("body: nested too deeply to be shown; nest it less deeply") from None


def make_writable(value: object) -> object:
    """Replace the parts of a value that orjson refuses."""
    return change_parts(value, _replace)


def change_parts(value: object, change: Callable[[object], Any]) -> Any:  # noqa: ANN401 - JSON
    """Change the texts, numbers and other parts of a JSON value, and the names of its objects."""
    match value:
        case dict():
            return {change(str(name)): change_parts(part, change) for name, part in value.items()}
        case list() | tuple():
            return [change_parts(part, change) for part in value]
        case _:
            return change(value)


def _replace(part: object) -> object:
    match part:
        case str():
            return replace_surrogates(part)
        case int() if not -_INT64 <= part < _UINT64:
            return _to_double(part)
        case _:
            return part


def _to_double(value: int) -> float | None:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf  # orjson writes null


def replace_surrogates(text: str) -> str:
    """Replace each lone surrogate with U+FFFD, because UTF-8 cannot encode it."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def to_storable_id(text: str) -> str:
    """Return an id that Postgres can compare. An id that it can't store becomes empty, which is the id of no row."""
    return text if to_column_text(text) == text else ""


def to_column_text(text: str | None) -> str | None:
    """Replace the characters that a Postgres column cannot hold: U+0000 and lone surrogates."""
    if text is None:
        return None
    if "\0" in text:
        text = text.replace("\0", "\ufffd")
    try:
        text.encode()
    except UnicodeEncodeError:
        return replace_surrogates(text)
    return text
