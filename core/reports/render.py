"""Reports made: of a stored document, and of a body that is scored and forgotten. Pure; no I/O."""

from core.confidence import DEFAULT_WINDOW, InvalidDistribution
from core.errors import InvalidInputError
from core.reports.report import Report, report_response, report_trace
from core.responses import ScoreOptions, is_quote_trace, read_options, read_response
from core.traces.json_text import dump_json
from core.traces.parse import check_references, parse_document, parse_json, validate_document
from core.traces.scored import score_trace


def render_stored_report(body: bytes, *, request_id: str, window: int = DEFAULT_WINDOW) -> bytes:
    """The report of a stored document, as JSON. Pure, and takes the time: the caller may do it in a thread."""
    report = report_trace(score_trace(parse_document(body), window=window))
    return dump_json({"request_id": request_id, **report})


def render_score(body: bytes) -> bytes:
    """The report of a posted body, recognised by its shape, as JSON. Nothing is stored.

    Raises:
        InvalidInputError: it is no JSON, of no known shape, or something in it is wrong; the sentence names the place.
    """
    return dump_json(_score(parse_json(body)))


def _score(raw: object) -> Report:
    if not is_quote_trace(raw):
        return _score_response(raw, read_options(raw))
    options = read_options(raw)
    document = validate_document(raw)
    check_references(document)
    trace = score_trace(
        document, window=options.window or DEFAULT_WINDOW, top_p=options.top_p, vocab_size=options.vocab_size
    )
    return report_trace(trace, logprobs_mode=options.logprobs_mode)


def _score_response(raw: object, options: ScoreOptions) -> Report:
    try:
        return report_response(read_response(raw), options)
    except InvalidDistribution as error:
        raise InvalidInputError(str(error)) from None
