"""Find and read the strings of a JSON body in its bytes. The body must be valid JSON."""

import json
import re
from collections.abc import Callable, Iterator

_TEXT = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'  # possessive: backtracking would need a hundred times the memory
TEXTS = re.compile(_TEXT, re.DOTALL)
COLON = re.compile(rb"\s*:\s*")
_VALUE = re.compile(rb"(?:" + _TEXT + rb"|-?[0-9][0-9.eE+-]*)", re.DOTALL)
_SPACES = b" \t\r\n"
_QUOTE, _BACKSLASH, _COLON = b'"\\:'


def find_starts(body: bytes, find: Callable[[int], int]) -> Iterator[int]:
    """Yield the start of each string that contains a match.

    Args:
        body: JSON.
        find: returns the next match at or after a position, or -1. Every match must be inside a string.
    """
    match = find(0)
    while match >= 0:
        start = _find_quote(body, match)
        yield start
        end = find_end(body, start)
        if end == start:  # a text without an end, which no JSON has
            return
        match = find(end)


def find_end(body: bytes, start: int) -> int:
    """Return the end of the string or number that starts at a position; for any other value, the position itself."""
    found = _VALUE.match(body, start)
    return found.end() if found else start


def read_value(text: bytes) -> str:
    """Decode a string; return a number as it is written."""
    if text[0] != _QUOTE:
        return text.decode()
    return text[1:-1].decode() if b"\\" not in text else json.loads(text)


def read_name(body: bytes, start: int) -> str | None:
    """Return the name of the value that starts at a position; None for an array entry or a name."""
    colon = _skip_back(body, start) - 1
    if body[colon] != _COLON:
        return None
    end = _skip_back(body, colon)
    return read_value(body[_find_quote(body, end - 1) : end])


def write_text(text: str) -> bytes:
    """Write a string as JSON."""
    try:
        return json.dumps(text, ensure_ascii=False).encode()
    except UnicodeEncodeError:  # a lone surrogate
        return json.dumps(text).encode()


def _find_quote(body: bytes, position: int) -> int:
    """Return the opening quote of the string around a position: the last quote that is not escaped."""
    start = body.rfind(b'"', 0, position)
    while (start - _skip_backslashes(body, start)) % 2:
        start = body.rfind(b'"', 0, start)
    return start


def _skip_backslashes(body: bytes, end: int) -> int:
    while body[end - 1] == _BACKSLASH:
        end -= 1
    return end


def _skip_back(body: bytes, end: int) -> int:
    while body[end - 1] in _SPACES:
        end -= 1
    return end
