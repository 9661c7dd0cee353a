"""Render the stream's messages as JSON text, once for all clients."""

from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import orjson

from core.stream.store import NewsRow

MAX_MESSAGE_BYTES = 2 * 1024 * 1024
"""Modal's limit for a WebSocket message."""
ENVELOPE_BYTES = 100
HIDDEN = {"position", "horizon", "id", "stored_xid", "user_key_hmac", "found"}
SHOWN = [field.name for field in fields(NewsRow) if field.name not in HIDDEN]


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
    while True:
        data = orjson.dumps({name: _show(getattr(row, name)) for name in SHOWN}, option=orjson.OPT_UTC_Z)
        if len(data) <= room or not row.final_text:
            return f'{{"type":"new_log","data":{data.decode()}}}'
        # Shorten in proportion, and 5% more, because the bytes per character vary within a text.
        kept = int(len(row.final_text) * 0.95 * room / len(data))
        row = replace(row, final_text=row.final_text[:kept])


def render_lag(missed: int) -> Message:
    """Render the message that reports how many messages were dropped."""
    return Message(orjson.dumps({"type": "lagged", "missed": missed}).decode(), None)


def _show(value: Any) -> Any:  # noqa: ANN401 - a column
    """Convert a timestamp to UTC. The database returns it in the time zone of the connection."""
    return value.astimezone(UTC) if isinstance(value, datetime) else value
