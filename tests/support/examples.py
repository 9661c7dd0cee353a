"""The examples in documents: commands, their answers, and tables that describe the answers.

A ```sh block contains a command and ends in `# → 201`, its HTTP status. A ```json block after it is the abridged
answer, in which "…" replaces the rest of a list, an object or a text. Tables after that describe the same answer.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

REST = "…"
TOLERANCE = 1e-9

_COMMAND = re.compile(
    r"```sh\n(?P<command>.*?) +# → (?P<status>\d{3})\n```\n(?:```json\n(?P<answer>.*?)```\n)?", re.DOTALL
)
_TABLE = re.compile(
    r"^\| (?:`(?P<path>[^`|]+)` )?(?P<kind>field|key) \|.*\n\|[-|]+\n(?P<rows>(?:\|.*\n)+)", re.MULTILINE
)
_ROW = re.compile(r"^\| (?P<names>[^|]+) \| (?P<second>[^|]*)\|", re.MULTILINE)


@dataclass(frozen=True)
class Table:
    """The descriptions of the fields at a path of an answer (`steps[]`), or of the keys of a posted object."""

    path: str
    kind: str
    second: dict[str, str]
    """The second column of each row by name."""


@dataclass(frozen=True)
class Example:
    """A command with its documented answer."""

    command: str
    status: int
    answer: str | None
    tables: list[Table] = field(default_factory=list)


def read_examples(document: str) -> list[Example]:
    """Return the examples of a document in order, each with the tables up to the next one."""
    found = list(_COMMAND.finditer(document))
    ends = [*(one.start() for one in found[1:]), len(document)]
    return [
        Example(one["command"], int(one["status"]), one["answer"], read_tables(document[one.end() : end], "field"))
        for one, end in zip(found, ends, strict=True)
    ]


def read_tables(text: str, kind: str) -> list[Table]:
    """Return the tables whose first heading ends in `field` (of an answer) or `key` (of a posted object)."""
    return [
        Table(found["path"] or "", kind, dict(_iterate_rows(found["rows"])))
        for found in _TABLE.finditer(text)
        if found["kind"] == kind
    ]


def _iterate_rows(rows: str) -> Iterator[tuple[str, str]]:
    for row in _ROW.finditer(rows):
        for name in re.findall(r"`([^`]+)`", row["names"]):
            yield name, row["second"].strip()


def select(answer: Any, path: str) -> list[dict[str, Any]]:
    """Return the objects at a path: one for `database`, all of a list for `steps[]`."""
    found = [answer]
    for part in filter(None, path.split(".")):
        name = part.removesuffix("[]")
        found = [one[name] for one in found]
        if part != name:
            found = [item for items in found for item in items]
    return found


def find_difference(shown: Any, real: Any, place: str = "answer") -> str | None:
    """Return where an abridged answer differs from the real one, or None."""
    match shown:
        case dict():
            return _compare_objects(shown, real, place)
        case list():
            return _compare_lists(shown, real, place)
        case str() if shown.endswith(REST):
            agree = isinstance(real, str) and real.startswith(shown.removesuffix(REST))
        case float():
            agree = isinstance(real, float) and math.isclose(shown, real, rel_tol=TOLERANCE)
        case _:
            agree = type(shown) is type(real) and shown == real
    return None if agree else f"{place}: the document says {shown!r}, the server {real!r}"


def _compare_objects(shown: dict[str, Any], real: Any, place: str) -> str | None:
    names = shown.keys() - {REST}
    if not isinstance(real, dict) or not names <= real.keys() or (REST not in shown and names != real.keys()):
        return f"{place}: the document shows {sorted(names)}, the server {real!r}"
    differences = (find_difference(shown[name], real[name], f"{place}.{name}") for name in shown if name != REST)
    return next(filter(None, differences), None)


def _compare_lists(shown: list[Any], real: Any, place: str) -> str | None:
    cut = REST in shown
    items = shown[: shown.index(REST)] if cut else shown
    if not isinstance(real, list) or len(real) < len(items) or (not cut and len(real) != len(items)):
        return f"{place}: the document shows {len(items)} entries, the server {real!r}"
    differences = (find_difference(item, real[index], f"{place}[{index}]") for index, item in enumerate(items))
    return next(filter(None, differences), None)
