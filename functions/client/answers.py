"""The call that posts a response, an item or a span of an import file."""

import json
from dataclasses import dataclass

from core.access.hasher import Hasher, find_label_range, strip_labels
from core.document.formats import EVENTS_FORMAT, ITEM_FORMAT, QUOTE_FORMAT, SPAN_FORMAT
from core.errors import InvalidInputError
from core.responses.keys import mask_item
from core.traces.items import find_id, name_answer, prepare_item
from core.traces.kept import count_answers, parse_item
from core.transfer.export_line import flatten
from core.transfer.exported_item import ExportedItem
from core.wire.http_call import JSON, Answer

_ANY = Hasher(b"any")
NEEDS_DATABASE = "import it without --url"


@dataclass(frozen=True, slots=True)
class AnswerUpload:
    """A document to post.

    Attributes:
        body: the document, or an export that contains the span.
        document: as `GET /logs/{id}/trace` would return it, except for labels.
        base_id: the id of its request, or of the group; None if Thunder generates one.
        first_id: the id of the request of its first answer.
    """

    path: str
    content_type: str
    body: bytes
    document: bytes
    base_id: str | None
    first_id: str | None

    def equals(self, stored: bytes) -> bool:
        """Return whether a stored document equals this one, apart from labels and line ends."""
        one, other = (strip_labels(flatten(text).decode()) for text in (self.document, stored))
        return one == other

    def find_problem(self, answer: Answer) -> str | None:
        """Return why the server did not store all of the document; None if it did."""
        content = answer.content if isinstance(answer.content, dict) else {}
        refused = [result["error"] for result in content.get("results", []) if "error" in result]
        rejected = content.get("partialSuccess", {}).get("errorMessage")
        return answer.sentence if answer.status >= 400 else next(iter(refused), rejected)


def find_upload(line: bytes, exported: ExportedItem | None) -> AnswerUpload | None:
    """Return how to post a line; None if it is a Quote trace.

    Args:
        line: an item as an application posts it; unused if it was exported.
        exported: the exported item in the line.

    Raises:
        InvalidInputError: the item is not valid, or posting it would not give it the same id and owner.
    """
    document, number = (exported.document.encode(), exported.format) if exported else (line, ITEM_FORMAT)
    if exported is None:
        prepared = prepare_item(document, _ANY)
        if isinstance(prepared, list) and prepared[0].document["format"] == QUOTE_FORMAT:
            return None
    item = parse_item(document, number)
    base_id = find_id(item)
    if exported is not None and base_id != (exported.group_id or exported.request_id):
        raise InvalidInputError(f"--url: does not support ids that Thunder generated; {NEEDS_DATABASE}")
    if item.user_api_key is not None and find_label_range(item.user_api_key):
        raise InvalidInputError(f"--url: does not support users that are given by a label; {NEEDS_DATABASE}")
    masked = mask_item(document, _ANY.label_user_key, is_stream=number == EVENTS_FORMAT)
    is_lines = number == EVENTS_FORMAT and document.lstrip().startswith(b"{")
    return AnswerUpload(
        path="/v1/traces" if number == SPAN_FORMAT else "/v1/ingest",
        content_type="text/event-stream" if number == EVENTS_FORMAT and not is_lines else JSON,
        body=_write_export(document) if number == SPAN_FORMAT else document,
        document=masked,
        base_id=base_id,
        first_id=None if base_id is None else name_answer(base_id, 0, count_answers(item)),
    )


def _write_export(document: bytes) -> bytes:
    """Wrap a stored span in an export."""
    span = json.loads(document)
    resource, scope = span.pop("resource", None), span.pop("scope", None)
    part = {"spans": [span], **({"scope": scope} if scope is not None else {})}
    group = {"scopeSpans": [part], **({"resource": resource} if resource is not None else {})}
    return json.dumps({"resourceSpans": [group]}).encode()
