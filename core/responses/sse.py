"""Read the text of a stream: Server-Sent Events (WHATWG HTML, 9.2.6), or a JSON object per line, as Ollama sends it."""

import itertools
import re
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from core.errors import InvalidInputError
from core.wire.parse_json import parse_json

DONE = "[DONE]"
"""The data of OpenAI's last event."""
MAX_EVENTS = 400_000
"""Maximum events of a stream: two per token of the longest answer."""
MAX_LINE_ENDS = 4_000_000
"""Maximum ends of lines of a stream, where `\\r\\n` counts twice. An event has two or three lines."""
_LINE_END = re.compile(r"\r\n|\n|\r")
_BOM = b"\xef\xbb\xbf"
_LINE_END_BYTES = re.compile(rb"\r\n|\n|\r")


class Events(NamedTuple):
    """The parsed data of each event.

    Attributes:
        is_broken: whether the text breaks off in an event, which is then left out, as clients do.
        is_done: whether the text has OpenAI's last event.
    """

    rows: list[object]
    is_broken: bool
    is_done: bool


def read_events(text: str, path: str) -> Events:
    """Parse the data of each event.

    Raises:
        InvalidInputError: the text has no events, too many, or one that is not JSON.
    """
    if text.count("\n") + text.count("\r") > MAX_LINE_ENDS:
        raise InvalidInputError(f"{path}: has more than {MAX_LINE_ENDS // 2} lines; send it in parts")
    lines = _LINE_END.split(text.removeprefix("\N{BOM}"))
    is_sse = any(line.startswith("data:") for line in lines)
    every = _iterate_data(lines) if is_sse else (line for line in lines if line.strip())
    datas = list(islice(every, MAX_EVENTS + 1))  # counted before they are parsed, which takes ten times the memory
    if len(datas) > MAX_EVENTS:
        raise InvalidInputError(f"{path}: has more than {MAX_EVENTS} events; send it in parts")
    events: list[object] = []
    for i, data in enumerate(datas):
        if data.strip() == DONE:
            continue
        try:
            events.append(parse_json(data.encode("utf-8", "surrogatepass")))
        except InvalidInputError:
            if lines[-1] and events and i == len(datas) - 1:
                return Events(events, is_broken=True, is_done=False)
            raise InvalidInputError(f"{path}: event {i} is not JSON; send the stream as the server wrote it") from None
    if not events:
        raise InvalidInputError(f"{path}: has no events; send an object, a list or the text of a stream")
    return Events(events, is_broken=False, is_done=datas[-1].strip() == DONE)


def split_cut_event(body: bytes) -> tuple[bytes, bytes]:
    """Split the event off that a stream breaks off in, which `read_events` leaves out.

    Returns:
        The stream with a start of an event in its place, so that it still shows the break, and the event's text. The
        latter is empty if the stream does not break off in an event.
    """
    start, end = len(_BOM) if body.startswith(_BOM) else 0, 0
    event_at, event, is_open = start, list[bytes](), False
    row_at, row = start, b""
    for found in itertools.chain(_LINE_END_BYTES.finditer(body, start), [None]):
        end = found.start() if found else len(body)
        line = body[start:end]
        if line.startswith(b"data:"):
            if not is_open:
                event_at, event, is_open = start, list[bytes](), True
            event.append(line[5:].removeprefix(b" "))
        elif not line:
            is_open = False
        if line.strip():
            row_at, row = start, line
        start = found.end() if found else start
    at, data, mark = (event_at, b"\n".join(event), b"data: {") if event else (row_at, row, b"{")
    if end == start or data.strip() == DONE.encode() or _is_json(data):  # the last line is empty, or the event whole
        return body, b""
    return body[:at] + mark, body[at:]


def _is_json(data: bytes) -> bool:
    try:
        parse_json(data)
    except InvalidInputError:
        return False
    return True


def _iterate_data(lines: list[str]) -> Iterator[str]:
    held: list[str] = []
    for line in [*lines, ""]:
        if line.startswith("data:"):
            held.append(line[5:].removeprefix(" "))
        elif not line and held:
            yield "\n".join(held)
            held = []
