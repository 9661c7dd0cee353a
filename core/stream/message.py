"""Messages: one JSON text each, rendered once for all who are told it."""

from dataclasses import dataclass

import orjson

from core.stream.store import NewsRow

MAX_MESSAGE_BYTES = 2 * 1024 * 1024
"""What a WebSocket message may have on Modal."""
ENVELOPE_BYTES = 100


@dataclass(frozen=True, slots=True)
class Message:
    """What a client is told, and the position behind it; none: it moves on no position."""

    text: str
    position: str | None


def render_row(row: NewsRow) -> str:
    """The message of a stored trace; its final text is shortened until it fits."""
    room = MAX_MESSAGE_BYTES - ENVELOPE_BYTES
    while True:
        data = row.model_dump_json()
        size = len(data.encode())
        if size <= room or not row.final_text:
            return f'{{"type":"new_log","data":{data}}}'
        # In proportion, and a little more: how many bytes a character takes differs within a text.
        kept = int(len(row.final_text) * 0.95 * room / size)
        row = row.model_copy(update={"final_text": row.final_text[:kept]})


def render_lag(missed: int) -> Message:
    """The message that says how many were left out."""
    return Message(orjson.dumps({"type": "lagged", "missed": missed}).decode(), None)
