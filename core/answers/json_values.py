"""Find the place of each value in an answer that is JSON.

json.loads() reports no positions, and the only maintained position-aware parsers are for JavaScript. This scanner reads
the structure, and leaves strings to the standard library, because their rules are difficult.
"""

import re
from dataclasses import dataclass
from json import JSONDecoder
from typing import NamedTuple

from core.answers.ending import find_end

MAX_DEPTH = 100
"""Maximum levels of lists and objects."""
MAX_VALUES = 10_000
"""Maximum values of an answer."""
MAX_PATH_CHARS = 1_000_000
"""Maximum characters of all paths together."""

_DECODER = JSONDecoder()
_FENCE = re.compile(r"[ \t]*+[\w.+-]*+[ \t]*+\r?\n")
_SPACE = re.compile(r"[ \t\r\n]*")
_SCALAR = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false|null")


class Value(NamedTuple):
    """A value that contains no other one: its path as a JSON Pointer (RFC 6901), and its place in the answer.

    The quotes of a string belong to it. An empty list or object is a value, too.
    """

    path: str
    start: int
    end: int


def find_values(answer: str) -> list[Value] | None:
    """Return the values of an answer that is JSON, without its special end tokens and its code fence, in order.

    If a key occurs twice in an object, its last value counts.

    Returns:
        None if the answer is not JSON, or exceeds a limit.
    """
    start, end = _strip_fence(answer, find_end(answer))
    scanner = _Scanner(answer[:end])
    try:
        values, position = scanner.scan(start, "", 0)
    except ValueError:
        return None
    return sorted(values, key=lambda value: value.start) if scanner.skip(position) == end else None


def _strip_fence(answer: str, end: int) -> tuple[int, int]:
    """Return the part of the text inside a code fence, or all of a text without one."""
    start = len(answer) - len(answer.lstrip())
    opening = _FENCE.match(answer, start + 3, end)
    if answer.startswith("```", start) and opening and answer.endswith("```", opening.end(), end):
        return opening.end(), end - 3
    return start, end


@dataclass(slots=True)
class _Scanner:
    text: str
    values: int = 0
    path_chars: int = 0

    def skip(self, position: int) -> int:
        """Return the position after white space."""
        found = _SPACE.match(self.text, position)
        return found.end() if found else position

    def scan(self, position: int, path: str, depth: int) -> tuple[list[Value], int]:
        """Read a value and return its values, and the position after it.

        Raises:
            ValueError: it is not JSON, or exceeds a limit.
        """
        start = self.skip(position)
        opening = self.text[start : start + 1]
        if opening in {"{", "["}:
            closing, read = ("}", self._scan_members) if opening == "{" else ("]", self._scan_items)
            inside = self.skip(start + 1)
            if not self.text.startswith(closing, inside):
                if depth == MAX_DEPTH:
                    raise ValueError("too deep")
                return read(inside, path, depth + 1)
            end = inside + 1
        elif opening == '"':
            _, end = _DECODER.raw_decode(self.text, start)
        else:
            found = _SCALAR.match(self.text, start)
            if found is None:
                raise ValueError("not a value")
            end = found.end()
        return [self._make_value(path, start, end)], end

    def _make_value(self, path: str, start: int, end: int) -> Value:
        self.values += 1
        self.path_chars += len(path)
        if self.values > MAX_VALUES or self.path_chars > MAX_PATH_CHARS:
            raise ValueError("too many values")
        return Value(path, start, end)

    def _scan_members(self, position: int, path: str, depth: int) -> tuple[list[Value], int]:
        members: dict[str, list[Value]] = {}
        while True:
            self._expect('"', position)
            key, position = _DECODER.raw_decode(self.text, position)
            position = self._expect(":", self.skip(position))
            name = key.replace("~", "~0").replace("/", "~1")
            members[key], position = self.scan(position, f"{path}/{name}", depth)
            position = self.skip(position)
            if self.text.startswith("}", position):
                return [value for values in members.values() for value in values], position + 1
            position = self.skip(self._expect(",", position))

    def _scan_items(self, position: int, path: str, depth: int) -> tuple[list[Value], int]:
        values: list[Value] = []
        index = 0
        while True:
            found, position = self.scan(position, f"{path}/{index}", depth)
            values += found
            index += 1
            position = self.skip(position)
            if self.text.startswith("]", position):
                return values, position + 1
            position = self._expect(",", position)

    def _expect(self, character: str, position: int) -> int:
        if not self.text.startswith(character, position):
            raise ValueError(f"no {character}")
        return position + 1
