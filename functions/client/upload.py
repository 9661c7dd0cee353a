"""Import over HTTP: post traces as an engine does, unless they are already stored."""

from collections.abc import Awaitable
from urllib.parse import quote

from core.access.hasher import Hasher, find_label_range, strip_labels
from core.document.mask import find_keys, mask_document
from core.document.parse import parse_document
from core.document.schema import TraceDocument
from core.errors import InvalidInputError, ThunderError
from core.traces.items import is_posted_trace
from core.transfer.export_line import flatten, read_line
from core.transfer.exported_item import unwrap_item
from core.transfer.import_items import CONFLICT_NOTE, OnConflict, Outcome, Status, Store
from core.wire.http_call import Answer
from functions.client.answers import NEEDS_DATABASE, AnswerUpload, find_upload
from functions.client.connection import Connection


class UploadError(ThunderError):
    """The server refused a trace; the message is the server's."""


class TakenError(UploadError):
    """The id belongs to another owner's request, or to one on legal hold."""


class AwayError(ThunderError):
    """The server has no database, or refuses the key."""

    status = 503


def upload_to(server: Connection, *, on_conflict: OnConflict) -> Store:
    """Return a function that posts a trace."""

    def store(line: bytes) -> Awaitable[Outcome]:
        return upload(server, line, on_conflict=on_conflict)

    return store


async def upload(server: Connection, line: bytes, *, on_conflict: OnConflict) -> Outcome:
    """Post a trace unless it is already stored. `on_conflict` decides about another trace with the same id.

    Raises:
        InvalidInputError: the line is damaged, is not a valid trace, or names its user by a label.
        UploadError: the server refused the trace.
        AwayError: the server has no database, or refuses the key.
        NoAnswerError: the server does not answer.
    """
    document, _ = read_line(line)
    exported = unwrap_item(document)
    if exported is not None or not is_posted_trace(document):
        found = find_upload(document, exported)
        if found is not None:
            return _upload_answers(server, found, on_conflict, is_exported=exported is not None)
    posted = parse_document(document)
    keys = find_keys(document)
    if any(find_label_range(key) for key in keys):
        raise InvalidInputError("--url: does not support users that are given by a label; import it without --url")
    request_id = posted.request.request_id
    stored = _fetch(server, request_id)
    if stored is not None and _is_same(stored, document, posted):
        return Outcome(Status.SKIPPED, request_id)
    if stored is not None and on_conflict is OnConflict.SKIP:
        return Outcome(Status.CONFLICT, request_id, CONFLICT_NOTE)
    try:
        replaced = _post(server, document)
    except TakenError as error:
        if on_conflict is OnConflict.REPLACE:
            raise
        return Outcome(Status.CONFLICT, request_id, str(error))
    return Outcome(Status.REPLACED if replaced else Status.OK, request_id)


def _upload_answers(server: Connection, found: AnswerUpload, on_conflict: OnConflict, *, is_exported: bool) -> Outcome:
    stored = _fetch(server, found.first_id) if found.first_id else None
    shown = found.base_id or "a new id"
    if stored is not None and found.equals(stored):
        return Outcome(Status.SKIPPED, shown)
    if stored is not None and on_conflict is OnConflict.SKIP:
        return Outcome(Status.CONFLICT, shown, CONFLICT_NOTE)
    answer = _require_present(server.call("POST", found.path, found.body, content_type=found.content_type))
    if answer.status in {401, 403}:
        raise AwayError(f"key: may not post; {answer.sentence}")
    problem = found.find_problem(answer)
    if problem is not None:
        # Earlier versions may have stored items that ingest refuses now. Imports into a database accept them.
        raise UploadError(f"{problem}; {NEEDS_DATABASE}" if is_exported else problem)
    return Outcome(Status.OK if stored is None else Status.REPLACED, found.base_id or answer.content["request_id"])


def _fetch(server: Connection, request_id: str) -> bytes | None:
    """Return the stored document, or None if it doesn't exist or the key may not read it."""
    answer = _require_present(server.call("GET", f"/logs/{quote(request_id, safe='')}/trace"))
    return answer.body if answer.status == 200 else None


def _post(server: Connection, document: bytes) -> bool:
    """Post a document and return whether it replaced another."""
    answer = _require_present(server.call("POST", "/v1/ingest", document))
    match answer.status:
        case 201:
            return bool(answer.content["replaced"])
        case 401 | 403:
            raise AwayError(f"key: may not post; {answer.sentence}")
        case 409:
            raise TakenError(answer.sentence)
        case _:
            raise UploadError(answer.sentence)


def _require_present(answer: Answer) -> Answer:
    if answer.status in {502, 503, 504}:
        raise AwayError(answer.sentence)
    return answer


def _is_same(stored: bytes, document: bytes, posted: TraceDocument) -> bool:
    """Return whether a stored document equals this one, except the digits of labels, which only the server computes."""
    masked = mask_document(document, posted, Hasher(b"any").label_user_key).body
    one, other = (strip_labels(flatten(text).decode()) for text in (masked, stored))
    return one == other
