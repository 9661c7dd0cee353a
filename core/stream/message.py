"""Render the stream's messages as JSON text, once for all clients."""

from dataclasses import dataclass
from datetime import UTC
from functools import cached_property

import orjson

from core.stream.store import NewsRow

MAX_MESSAGE_BYTES = 2 * 1024 * 1024
"""Modal's limit for a WebSocket message."""
ENVELOPE_BYTES = 100
HIDDEN = 6
"""Number of fields at the start of a row that no client receives."""
SHOWN = NewsRow._fields[HIDDEN:]


@dataclass(frozen=True)
class Message:
    """A message and the position after it; None if the message does not change the position."""

    text: str
    position: str | None

    @property
    def size(self) -> int:
        """The bytes that a queue holds, approximately: one per character."""
        return len(self.text)

    @cached_property
    def event(self) -> bytes:
        """The message as a Server-Sent Event."""
        event_id = "" if self.position is None else f"id: {self.position}\n"
        return f"{event_id}data: {self.text}\n\n".encode()


def render_row(row: NewsRow) -> str:
    """Render the message of a stored trace. The final text is shortened to fit MAX_MESSAGE_BYTES."""
    room = MAX_MESSAGE_BYTES - ENVELOPE_BYTES
    shown = dict(zip(SHOWN, row[HIDDEN:], strict=True))
    # The database returns timestamps in the time zone of the connection.
    shown["created_ts"] = row.created_ts.astimezone(UTC)
    shown["finished_ts"] = row.finished_ts and row.finished_ts.astimezone(UTC)
    text = row.final_text
    while True:
        data = orjson.dumps(shown, option=orjson.OPT_UTC_Z)
        if len(data) <= room or not text:
            return f'{{"type":"new_log","data":{data.decode()}}}'
        # Shorten in proportion, and 5% more, because the bytes per character vary within a text.
        text = shown["final_text"] = text[: int(len(text) * 0.95 * room / len(data))]


def render_lag(missed: int) -> Message:
    """Render the message that reports how many messages were dropped."""
    return Message(orjson.dumps({"type": "lagged", "missed": missed}).decode(), None)
