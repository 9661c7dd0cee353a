"""JSON out: orjson, and what to do about the values that it refuses."""

import math

import orjson

from core.errors import InvalidInputError

_INT64 = 2**63
_UINT64 = 2**64


def dump_json(value: object) -> bytes:
    """Write JSON. Lone surrogates become U+FFFD, numbers beyond a double null, integers beyond 64 bits doubles.

    Raises:
        InvalidInputError: the value is nested more deeply than orjson goes (about 250 levels).
    """
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError:
        pass
    try:
        return orjson.dumps(make_writable(value))
    except (orjson.JSONEncodeError, RecursionError):
        raise InvalidInputError("the trace is nested too deeply to be shown") from None


def make_writable(value: object) -> object:
    """The value with what orjson refuses replaced."""
    match value:
        case str():
            return replace_surrogates(value)
        case dict():
            return {replace_surrogates(str(key)): make_writable(item) for key, item in value.items()}
        case list() | tuple():
            return [make_writable(item) for item in value]
        case int() if not -_INT64 <= value < _UINT64:
            return _to_double(value)
        case _:
            return value


def _to_double(value: int) -> float | None:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf  # orjson writes null


def replace_surrogates(text: str) -> str:
    """The text with each lone surrogate replaced by U+FFFD, as UTF-8 wants it."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def to_column_text(text: str | None) -> str | None:
    """The text as a Postgres column can hold it: without U+0000 and lone surrogates."""
    if text is None:
        return None
    if "\0" in text:
        text = text.replace("\0", "\ufffd")
    try:
        text.encode()
    except UnicodeEncodeError:
        return replace_surrogates(text)
    return text
