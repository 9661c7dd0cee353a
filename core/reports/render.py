"""Render the report of a stored document or of a posted body, which is not stored. Pure functions; no I/O."""

import msgspec

from core.document.formats import QUOTE_FORMAT
from core.document.parse import parse_document
from core.reports.report import Report, report_response, report_trace
from core.responses import ScoreOptions, is_quote_trace, read_options, read_response
from core.traces.kept import keep_answer, parse_item
from core.wire.json_text import dump_json
from core.wire.parse_json import parse_json
from core.wire.zstandard import decompress

_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])


def render_stored_report(frame: bytes, number: int, choice: int, request_id: str, window: int) -> bytes:
    """Render the report of a stored document as JSON. CPU-bound, so call it in another thread or process."""
    document = decompress(frame)
    if number == QUOTE_FORMAT:
        report = report_trace(parse_document(document), ScoreOptions(window=window))
    else:
        kept = keep_answer(parse_item(document, number), choice)
        report = report_response(kept.answer, kept.options.model_copy(update={"window": window}), kept.facts.warnings)
    return dump_json({"request_id": request_id, **report})


def render_score(body: bytes) -> bytes:
    """Render the report of a posted body as JSON. The format is recognised by the body's keys.

    Raises:
        InvalidInputError: the body is not JSON, its format is not supported, or a field is invalid. The message names
            the path.
    """
    members = _read_members(body)
    if {"request", "events"} <= members.keys():
        named = {name: parse_json(bytes(members[name])) for name in ScoreOptions.model_fields if name in members}
        return dump_json(_score_trace(body, read_options(named)))
    raw = parse_json(body)
    options = read_options(raw)
    return dump_json(
        _score_trace(body, options) if is_quote_trace(raw) else report_response(read_response(raw), options)
    )


def _read_members(body: bytes) -> dict[str, msgspec.Raw]:
    """Split an object into the JSON of its members, so that options are parsed without the trace.

    Empty if msgspec rejects the body.
    """
    try:
        return _MEMBERS.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}


def _score_trace(body: bytes, options: ScoreOptions) -> Report:
    return report_trace(parse_document(body), options)
