"""Prepare one posted item of any shape: recognize, read, mask, score and compress it. Pure."""

import uuid
from collections.abc import Iterator
from enum import StrEnum

import msgspec

from core.access.hasher import Hasher
from core.document.formats import EVENTS_FORMAT, ITEM_FORMAT, SPAN_FORMAT
from core.document.parse import check_references, parse_quickly, validate_document
from core.document.schema import MAX_REQUEST_ID_LENGTH, RequestId, TraceDocument, read_custom
from core.errors import InvalidInputError
from core.pairing.listed import parse_listed
from core.responses import is_quote_trace
from core.responses.chunks import is_stream
from core.responses.item import Item, is_envelope
from core.responses.items import is_stream_of_lines
from core.responses.keys import mask_item
from core.responses.recognize import summarize_response
from core.traces.ingest import PreparedTrace, prepare_document, prepare_rows
from core.traces.kept import check_answers, count_answers, keep_answer, parse_item
from core.traces.rows import Columns
from core.wire.json_text import dump_json
from core.wire.parse_json import parse_json, parse_posted, strip_mark
from core.wire.zstandard import compress

RESPONSE = b'"response"'
MAX_GROUP_BYTES = 64 * 1024 * 1024
"""Compressed documents of a group: each answer has its own."""
_ROWS = msgspec.json.Decoder(list[msgspec.Raw])


class Several(StrEnum):
    """The form of a body with several items, which must be split first."""

    LIST = "list"
    LINES = "lines"


Prepared = list[PreparedTrace] | Several


def is_posted_trace(body: bytes) -> bool:
    """Return whether a body is a complete Quote trace, and not an item that contains a `request` like one."""
    document = parse_quickly(body)
    return document is not None and (bool(document.events) or RESPONSE not in body)


def prepare_item(body: bytes, hasher: Hasher) -> Prepared:
    """Prepare a Quote trace, or the answers of an item, from one JSON value. Return how to split any other body.

    A body that is a trace with events is parsed once, as a trace.

    Raises:
        InvalidInputError: the item is not valid; the message names the field.
    """
    body = strip_mark(body)
    document = parse_listed(body)
    if document is not None and (document.events or RESPONSE not in body):
        check_references(document)
        return [prepare_document(body, document, hasher)]
    several = _find_several(body)
    if several is Several.LINES and is_stream_of_lines(iterate_lines(body)):
        return prepare_events(body, hasher)
    if several is not None:
        return several
    raw = parse_posted(body)
    document = _read_quote(raw)
    if document is not None:
        return [prepare_document(body, document, hasher)]
    return _prepare_answers(body, ITEM_FORMAT, hasher)


def prepare_events(body: bytes, hasher: Hasher) -> list[PreparedTrace]:
    """Prepare the answers in the text of a stream.

    Raises:
        InvalidInputError: the text is not a stream of a known shape.
    """
    try:
        body.decode()
    except UnicodeDecodeError as error:
        raise InvalidInputError(f"body: not UTF-8 (byte {error.start}); send UTF-8") from None
    return _prepare_answers(body, EVENTS_FORMAT, hasher)


def prepare_span(span: dict[str, object], hasher: Hasher) -> list[PreparedTrace]:
    """Prepare the answers in a span.

    Raises:
        InvalidInputError: an id, or a field of the response, is not valid.
    """
    return _prepare_answers(dump_json(span), SPAN_FORMAT, hasher)


def _read_quote(raw: object) -> TraceDocument | None:
    """Return a Quote trace; None if the value is an item of another shape."""
    if isinstance(raw, list):
        return None
    if not isinstance(raw, dict) or is_quote_trace(raw):
        return validate_document(raw)
    return validate_document(raw) if "request" in raw and not is_envelope(raw) else None


def _find_several(body: bytes) -> Several | None:
    """Return how a body contains several items; None if it is one item, or not JSON."""
    try:
        rows = _ROWS.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Several.LINES if _has_lines(body) else None
    if not rows:
        raise InvalidInputError("body: an empty list; send at least one item")
    try:
        return None if is_stream(parse_json(bytes(row)) for row in rows) else Several.LIST
    except InvalidInputError:  # a row is not valid; the others are separate items
        return Several.LIST


def find_rows(body: bytes) -> list[bytes]:
    """Return the items of a JSON list; empty if the body is one item, or not a list."""
    return [bytes(row) for row in _ROWS.decode(body)] if _find_several(body) is Several.LIST else []


def iterate_lines(body: bytes) -> Iterator[bytes]:
    """Yield the lines that are not blank."""
    return (line for line in body.split(b"\n") if line.strip())


def _has_lines(body: bytes) -> bool:
    """Return whether the first line is a complete object, and more lines follow."""
    start = body.lstrip()
    if not start.startswith(b"{"):
        return False
    line, _, rest = start.partition(b"\n")
    try:
        return bool(rest.strip()) and isinstance(parse_json(line), dict)
    except InvalidInputError:
        return False


def _prepare_answers(body: bytes, number: int, hasher: Hasher) -> list[PreparedTrace]:
    item = parse_item(body, number)
    check_answers(item)
    masked = mask_item(body, hasher.label_user_key, is_stream=number == EVENTS_FORMAT)
    key = item.user_api_key
    if masked is not body:
        posted, item = item, parse_item(masked, number)
        if find_id(item) != find_id(posted):
            raise InvalidInputError(f"{item.id_path}: an id can't contain a user API key; use another id")
    answers = [keep_answer(item, choice) for choice in range(count_answers(item))]
    base_id = find_base_id(item)
    owner, label = (hasher.hash_user_key(key), hasher.label_user_key(key)) if key else (None, None)
    frame: Columns = {"format": number, "document": compress([masked]), "document_bytes": len(masked)}
    if len(answers) > 1 and len(answers) * len(frame["document"]) > MAX_GROUP_BYTES:
        raise InvalidInputError(f"body: too large for {len(answers)} answers; post each answer separately")
    return [
        prepare_rows(
            kept,
            {**frame, "choice": choice},
            owner=owner,
            owner_label=label,
            request_id=name_answer(base_id, choice, len(answers)),
            base_id=base_id,
            move=hasher.plan_move(key),
        )
        for choice, kept in enumerate(answers)
    ]


def find_id(item: Item) -> str | None:
    """Return the id that the item or its first answer has."""
    return item.request_id or (summarize_response(item.answers[0]).request_id if item.answers else None)


def find_base_id(item: Item) -> str:
    """Return the id of an item: the sender's, else the server's, else a new one.

    Raises:
        InvalidInputError: the id can't be part of a path.
    """
    given = item.request_id
    found = find_id(item) or uuid.uuid4().hex
    try:
        read_custom(RequestId, found)
    except ValueError as error:
        path = item.id_path if given else "id"
        raise InvalidInputError(f"{path}: {error}; send {{request_id, response}} with another id") from None
    if len(item.answers) > 1 and len(found) > MAX_REQUEST_ID_LENGTH - len("~999"):
        raise InvalidInputError(
            f"{item.id_path}: too long for the ids of {len(item.answers)} answers; send a shorter one"
        )
    return found


def name_answer(base_id: str, choice: int, count: int) -> str:
    """Return the id of one answer: `<id>~<choice>`, or the id itself if there is only one."""
    return base_id if count == 1 else f"{base_id}~{choice}"
