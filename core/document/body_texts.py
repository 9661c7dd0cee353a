"""The texts of a JSON body, found and read in its bytes. The body is known to be JSON."""

import json
import re
from collections.abc import Callable, Iterator

_TEXT = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'  # possessive: an alternative for each character takes a hundred times its size
TEXTS = re.compile(_TEXT, re.DOTALL)
COLON = re.compile(rb"\s*:\s*")
_VALUE = re.compile(rb"(?:" + _TEXT + rb"|-?[0-9][0-9.eE+-]*)", re.DOTALL)
_SPACES = b" \t\r\n"
_QUOTE, _BACKSLASH, _COLON = b'"\\:'


def find_starts(body: bytes, find: Callable[[int], int]) -> Iterator[int]:
    """Yield where each text begins that a place is in.

    Args:
        body: JSON.
        find: returns the next place at or behind a position, -1 if there is none. All places are in texts.
    """
    place = find(0)
    while place >= 0:
        start = _find_quote(body, place)
        yield start
        place = find(find_end(body, start))


def find_end(body: bytes, start: int) -> int:
    """Return where the text or the number that begins at a position ends; the position itself for any other value."""
    found = _VALUE.match(body, start)
    return found.end() if found else start


def read_value(text: bytes) -> str:
    """Decode a text; a number stays as it is spelled."""
    if text[0] != _QUOTE:
        return text.decode()
    return text[1:-1].decode() if b"\\" not in text else json.loads(text)


def read_name(body: bytes, start: int) -> str | None:
    """Return the name of the value that begins at a position; None for an entry of an array, and for a name."""
    colon = _skip_back(body, start) - 1
    if body[colon] != _COLON:
        return None
    end = _skip_back(body, colon)
    return read_value(body[_find_quote(body, end - 1) : end])


def write_text(text: str) -> bytes:
    """Write a text as JSON."""
    try:
        return json.dumps(text, ensure_ascii=False).encode()
    except UnicodeEncodeError:  # a lone surrogate
        return json.dumps(text).encode()


def _find_quote(body: bytes, place: int) -> int:
    """Return the quote that opens the text around a place: the last one that is not escaped."""
    start = body.rfind(b'"', 0, place)
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
