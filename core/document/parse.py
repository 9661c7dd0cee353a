"""Parse and check a posted document. Errors name the invalid field and the reason."""

import codecs
import json
import re
from collections import Counter
from functools import lru_cache
from typing import Never, TypeVar

import msgspec

from core.document.schema import (
    MAX_INT32,
    MAX_TOKENS,
    NO_LIST,
    Action,
    Event,
    ModCall,
    ModLog,
    Request,
    TraceDocument,
    read_custom,
)
from core.errors import InvalidInputError
from core.wire.json_text import make_writable
from core.wire.parse_json import parse_json

MAX_MESSAGE_CHARS = 200
"""Maximum characters of a msgspec message, which repeats input."""
Part = TypeVar("Part", bound=msgspec.Struct)

# Engines give all events of a second the same timestamp, so timestamps are cached. An unhashable value raises
# TypeError; the document is then parsed the slow way.
_READ_CUSTOM = lru_cache(maxsize=4096, typed=True)(read_custom)
_DECODER = msgspec.json.Decoder(TraceDocument, dec_hook=_READ_CUSTOM)
_ROWS: dict[str, type[msgspec.Struct]] = {"events": Event, "mod_calls": ModCall, "mod_logs": ModLog, "actions": Action}
_PLACED = re.compile(r"(?P<message>.*?)(?: - at `\$(?P<path>[^`]*)`)?", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(\w+)`")
_PIECE_BYTES = 64 * 1024


def parse_document(body: bytes) -> TraceDocument:
    """Parse and check one posted document.

    Raises:
        InvalidInputError: the body is not JSON, breaks the contract, or has a reference to a missing object.
    """
    document = parse_quickly(body)
    if document is None:
        return validate_document(parse_json(body))
    check_references(document)
    return document


def parse_stored(document: bytes) -> TraceDocument:
    """Parse a document that was checked before it was stored."""
    return _decode(document) or validate_document(parse_json(document))


def make_decoder(kind: type[TraceDocument]) -> msgspec.json.Decoder[TraceDocument]:
    """Return a decoder for `parse_quickly`."""
    return msgspec.json.Decoder(kind, dec_hook=_READ_CUSTOM)


def parse_quickly(body: bytes, first: msgspec.json.Decoder[TraceDocument] = _DECODER) -> TraceDocument | None:
    """Parse with msgspec. Return None if it rejects the body; the slow way then accepts it or reports the error.

    Args:
        body: the document.
        first: a decoder to try first, which may accept fewer top-k lists.
    """
    try:
        _check_utf8(body)
        return first.decode(body)
    except UnicodeDecodeError:
        return None
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        is_final = first is _DECODER or (isinstance(error, msgspec.ValidationError) and "top_tokens" not in str(error))
        return None if is_final else _decode(body)


def _decode(body: bytes) -> TraceDocument | None:
    try:
        return _DECODER.decode(body)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None


def _check_utf8(body: bytes) -> None:
    """Check all bytes: msgspec does not check values that it skips, and the document is stored as posted."""
    view, start = memoryview(b"" if body.isascii() else body), 0
    while start < len(view):
        is_last = start + _PIECE_BYTES >= len(view)
        start += codecs.utf_8_decode(view[start : start + _PIECE_BYTES], "strict", is_last)[1]


def validate_document(raw: object) -> TraceDocument:
    """Check a document that is already parsed."""
    if not isinstance(raw, dict):
        raise InvalidInputError("body: not a JSON object; post a trace with the key `request`")
    request = {"request": _select(raw["request"], Request)} if "request" in raw else {}
    rows = {name: _select_rows(raw[name], kind) for name, kind in _ROWS.items() if name in raw}
    document = _convert({**request, **rows}, TraceDocument)
    check_references(document)
    return document


def _convert(raw: object, kind: type[Part], path: str = "") -> Part:
    try:
        return msgspec.convert(raw, kind, dec_hook=read_custom)
    except msgspec.ValidationError as error:
        raise InvalidInputError(_describe(error, path)) from None
    except UnicodeEncodeError:  # a lone surrogate in a field that is not free text; without it, msgspec names the field
        return _convert(_replace_surrogates(raw), kind, path)


def _replace_surrogates(raw: object) -> object:
    try:
        return make_writable(raw)
    except RecursionError:
        raise InvalidInputError("body: nested too deeply; nest it less deeply") from None


def _select_rows(rows: object, kind: type[msgspec.Struct]) -> object:
    return [_select(row, kind) for row in rows] if isinstance(rows, list) else rows


def _select(row: object, kind: type[msgspec.Struct]) -> object:
    """Keep only the keys of the model, because msgspec fails on a lone surrogate in an unknown key."""
    if not isinstance(row, dict):
        return row
    known = {name: row[name] for name in kind.__struct_fields__ if name in row}
    return {**known, "top_tokens": _hold_list(known["top_tokens"])} if "top_tokens" in known else known


def _hold_list(value: object) -> msgspec.Raw:
    """Convert a top-k list to JSON text, the type of the model's field."""
    try:
        return msgspec.Raw(json.dumps(value).encode())
    except RecursionError:
        raise InvalidInputError("body: nested too deeply; nest it less deeply") from None


def _describe(error: msgspec.ValidationError, prefix: str) -> str:
    """Put the path in front of a msgspec message: `events[12].sampled_token: expected …`."""
    found = _PLACED.fullmatch(str(error))
    message, path = (found["message"], found["path"] or "") if found else (str(error), "")
    message = message if len(message) <= MAX_MESSAGE_CHARS else message[:MAX_MESSAGE_CHARS] + "…"
    if missing := _MISSING.fullmatch(message):
        message, path = "missing; send it", f"{path}.{missing[1]}"
    return f"{(prefix + path).lstrip('.') or 'body'}: {message[:1].lower()}{message[1:]}"


def check_references(document: TraceDocument) -> None:
    """Refuse references to missing objects, duplicate sequence_orders and top_tokens that are not arrays."""
    orders = {event.sequence_order for event in document.events}
    if len(orders) < len(document.events):
        _refuse_duplicate(document)
    for index, call in enumerate(document.mod_calls):
        if call.event_sequence_order not in orders:
            raise InvalidInputError(
                f"mod_calls[{index}].event_sequence_order: no event has sequence_order {call.event_sequence_order}; "
                "name an event"
            )
    for index, event in enumerate(document.events):
        text = event.top_tokens
        if text.__class__ is msgspec.Raw and text is not NO_LIST and memoryview(text)[0] not in b"[n":
            raise InvalidInputError(f"events[{index}].top_tokens: must be a list or null")
    added = sum([len(event.added_tokens) for event in document.events if event.added_tokens])
    if added > MAX_TOKENS:
        raise InvalidInputError(f"events: have {added} added tokens; at most {MAX_TOKENS} are allowed")
    calls = len(document.mod_calls)
    for name, rows in (("mod_logs", document.mod_logs), ("actions", document.actions)):
        for index, row in enumerate(rows):
            if row.mod_call_sequence >= calls:
                raise InvalidInputError(
                    f"{name}[{index}].mod_call_sequence: there is no mod_calls[{row.mod_call_sequence}]; name a call"
                )


def _refuse_duplicate(document: TraceDocument) -> Never:
    orders = Counter(event.sequence_order for event in document.events)
    seen: set[int] = set()
    for index, event in enumerate(document.events):
        if event.sequence_order in seen:
            count = orders[event.sequence_order]
            raise InvalidInputError(
                f"events[{index}].sequence_order: {event.sequence_order} occurs {count} times; "
                "only sequence_order orders a trace, so it must be unique"
            )
        seen.add(event.sequence_order)
    raise AssertionError("called without a duplicate")


def read_backtrack_steps(action: Action, index: int) -> int:
    """Return how many tokens a Backtrack removes; 0 for any other action, regardless of its details."""
    steps = action.get("backtrack_steps") if action.action_type == "Backtrack" else None
    if steps is None:
        return 0
    if type(steps) is not int or not 0 <= steps <= MAX_INT32:
        raise InvalidInputError(f"actions[{index}].backtrack_steps: must be an integer ≥ 0")
    return steps
