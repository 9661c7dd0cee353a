"""Read an export of OTLP/HTTP (opentelemetry-proto, collector/trace/v1), and prepare its LLM spans. Pure."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, cast

from core.access.hasher import Hasher
from core.errors import InvalidInputError
from core.responses.expect import Body, expect_list, expect_object, list_objects
from core.responses.spans import is_llm_span
from core.traces.ingest import PreparedTrace
from core.traces.items import prepare_span
from core.wire.parse_json import parse_json

MAX_SPANS = 1000
"""Maximum LLM spans of an export. Exporters send at most 512 by default."""
MAX_REASONS = 10
"""Maximum rejected spans whose reasons are reported."""
_IDS = ("traceId", "spanId", "parentSpanId")


@dataclass(slots=True)
class Export:
    """The LLM spans of an export.

    Attributes:
        items: the prepared answers of each span.
        rejected: the number of spans that can't be stored.
        reasons: the reasons for the first MAX_REASONS of them.
    """

    items: list[list[PreparedTrace]] = field(default_factory=list)
    rejected: int = 0
    reasons: list[str] = field(default_factory=list)

    def reject(self, reason: str) -> None:
        """Count a span that can't be stored."""
        self.rejected += 1
        if len(self.reasons) < MAX_REASONS:
            self.reasons.append(reason)

    def describe(self) -> str:
        """Return why spans were rejected."""
        more = self.rejected - len(self.reasons)
        return "; ".join(self.reasons) + (f"; and {more} more" if more > 0 else "")


def prepare_export(body: bytes, hasher: Hasher, is_protobuf: bool) -> Export:  # noqa: FBT001 - passed to another process
    """Prepare the LLM spans of an export. Other spans are ignored.

    Raises:
        InvalidInputError: the body is not an export.
    """
    spans = _list_spans(_parse_protobuf(body) if is_protobuf else _parse_json(body))
    export = Export()
    for i, span in enumerate(span for span in spans if is_llm_span(span)):
        if i >= MAX_SPANS:
            export.reject(f"span {i}: only {MAX_SPANS} LLM spans are stored at once; export smaller batches")
            continue
        try:
            export.items.append(prepare_span(span, hasher))
        except InvalidInputError as error:
            export.reject(f"span {span.get('spanId')!r}: {error}")
    return export


def write_answer(export: Export, *, is_protobuf: bool) -> bytes:
    """Return the answer to an export, in its own encoding."""
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (  # noqa: PLC0415 - only needed here
        ExportTraceServiceResponse,
    )

    answer: Any = ExportTraceServiceResponse()
    if export.rejected:
        answer.partial_success.rejected_spans = export.rejected
        answer.partial_success.error_message = export.describe()
    if is_protobuf:
        return cast("bytes", answer.SerializeToString())
    from google.protobuf.json_format import MessageToJson  # noqa: PLC0415 - as above

    return MessageToJson(answer, indent=None).encode()


def _parse_protobuf(body: bytes) -> Body:
    """Parse a message into its JSON mapping, in which ids are hexadecimal and enumerations are numbers."""
    from google.protobuf.json_format import MessageToDict  # noqa: PLC0415 - only needed here
    from google.protobuf.message import DecodeError  # noqa: PLC0415
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (  # noqa: PLC0415
        ExportTraceServiceRequest,
    )

    message: Any = ExportTraceServiceRequest()
    try:
        message.ParseFromString(body)
        export = MessageToDict(message, use_integers_for_enums=True)
    except (DecodeError, RecursionError, UnicodeDecodeError):
        raise InvalidInputError("body: not an ExportTraceServiceRequest in protobuf; see Content-Type") from None
    for span in _list_spans(export):
        for part in (span, *list_objects(span.get("links"))):
            part |= {name: base64.b64decode(cast("str", part[name])).hex() for name in _IDS if name in part}
    return export


def _parse_json(body: bytes) -> Body:
    export = parse_json(body)
    if not isinstance(export, dict) or (export and not isinstance(export.get("resourceSpans"), list)):
        raise InvalidInputError("body: not an ExportTraceServiceRequest; send {resourceSpans: […]}")
    return cast("Body", export)


def _list_spans(export: Body) -> list[Body]:
    """Return all spans, each with its resource and scope.

    Raises:
        InvalidInputError: a list has the wrong type or an item that is not an object; the message names it.
    """
    spans: list[Body] = []
    for group, path in _iterate(export, "resourceSpans", ""):
        for part, inner in _iterate(group, "scopeSpans", f"{path}."):
            for span, _ in _iterate(part, "spans", f"{inner}."):
                span |= {name: one[name] for name, one in (("resource", group), ("scope", part)) if name in one}
                spans.append(span)
    return spans


def _iterate(fields: Body, name: str, before: str) -> Iterator[tuple[Body, str]]:
    """Yield each object of a list, with its path. A list that is absent or null is empty."""
    rows = expect_list(fields.get(name) or [], f"{before}{name}")
    return ((expect_object(row, at), at) for i, row in enumerate(rows) for at in [f"{before}{name}[{i}]"])
