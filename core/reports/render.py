"""Render the report of a stored document or of a posted body, which is not stored. Pure functions; no I/O."""

import msgspec

from core.answers.votes import Ballot, GroupVotes, count_pattern_votes, count_votes
from core.confidence import score_tokens
from core.document.formats import QUOTE_FORMAT
from core.document.parse import parse_document, parse_stored
from core.errors import InvalidInputError
from core.pairing.pair import pair_trace
from core.pairing.scored_trace import list_tokens
from core.reports.report import Report, report_response, report_trace
from core.reports.scored_body import ScoredBody, pack_report
from core.reports.spans import report_spans
from core.responses import ScoreOptions, check_posted, is_quote_trace, read_options, read_response
from core.responses.answers import MAX_CHOICES, split_choices
from core.responses.item import Item
from core.responses.prompt import read_prompt
from core.responses.recognize import summarize_response, unwrap
from core.traces.items import name_answer
from core.traces.kept import keep_answer, parse_item
from core.wire.json_text import dump_json
from core.wire.parse_json import parse_json, parse_posted
from core.wire.zstandard import decompress

NO_VOTES: Report = {"n": 1, "votes": None}

_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])


def render_stored_report(frame: bytes, number: int, choice: int, stored: dict[str, object], window: int) -> bytes:
    """Render the report of a stored document as JSON. CPU-bound, so call it in another thread or process.

    Args:
        frame: the document's frame.
        number: its format.
        choice: the position of the answer in it.
        stored: the members that the document does not contain.
        window: tokens per window of group confidences.
    """
    document = decompress(frame)
    if number == QUOTE_FORMAT:
        report = report_trace(parse_stored(document), ScoreOptions(window=window))
    else:
        kept = keep_answer(parse_item(document, number), choice)
        options = kept.options.model_copy(update={"window": window})
        report = report_response(kept.answer, options, warnings=kept.facts.warnings)
    return dump_json({**stored, **report})


def render_stored_spans(frame: bytes, number: int, choice: int, below: float) -> bytes:
    """Render the spans and JSON values of a stored document as JSON. CPU-bound, as above."""
    document = decompress(frame)
    if number == QUOTE_FORMAT:
        trace = parse_stored(document)
        tokens, text = list_tokens(pair_trace(trace)), trace.request.final_text
    else:
        kept = keep_answer(parse_item(document, number), choice)
        tokens, text = kept.answer.tokens, kept.trace.document.request.final_text
    return dump_json(report_spans(tokens, score_tokens(tokens), text, below))


def render_score(body: bytes, below: float, pattern: str | None) -> ScoredBody:
    """Render the report of a posted body. The format is recognized by the body's keys.

    Args:
        body: JSON.
        below: the limit of spans.
        pattern: the compared part of each answer in the votes of a response with several choices; None for the whole
            answer. Requires a separate process (`count_pattern_votes`).

    Raises:
        InvalidInputError: the body is not JSON, its format is not supported, or a field or the pattern is invalid. The
            message names the path.
    """
    members = _read_members(body)
    if {"request", "events"} <= members.keys():
        named = {name: parse_json(bytes(members[name])) for name in ScoreOptions.model_fields if name in members}
        return _score_trace(body, read_options(named), below, pattern)
    raw = parse_posted(body)
    options = read_options(raw)
    if is_quote_trace(raw):
        return _score_trace(body, options, below, pattern)
    check_posted(raw)
    answer, exchange = read_response(raw), unwrap(raw)
    summary = summarize_response(exchange.response)
    report = report_response(answer, options, text=summary.text, below=below)
    model = summary.model or read_prompt(exchange.request).model
    return pack_report(report | _count(_list_ballots(raw, options), pattern), model)


def _list_ballots(raw: object, options: ScoreOptions) -> list[Ballot]:
    """Return the answers of a response with several choices; none for any other response."""
    exchange = unwrap(raw)
    answers = split_choices(exchange.response)
    if len(answers) == 1:
        return []
    if len(answers) > MAX_CHOICES:
        raise InvalidInputError(f"body: has {len(answers)} answers; at most {MAX_CHOICES} are allowed")
    item = Item(answers, request=exchange.request, options=options)
    base_id = summarize_response(answers[0]).request_id or ""
    return [_make_ballot(item, choice, name_answer(base_id, choice, len(answers))) for choice in range(len(answers))]


def _make_ballot(item: Item, choice: int, request_id: str) -> Ballot:
    trace = keep_answer(item, choice).trace
    scores, text = trace.sequence, trace.document.request.final_text
    return Ballot(request_id, text, scores.sequence_confidence, scores.lowest_group_confidence)


def _count(ballots: list[Ballot], pattern: str | None) -> Report:
    """Count the votes. A pattern is checked even if there is nothing to count."""
    counted: GroupVotes = count_votes(ballots) if pattern is None else count_pattern_votes(pattern.encode(), ballots)
    return counted.model_dump() if ballots else NO_VOTES


def _read_members(body: bytes) -> dict[str, msgspec.Raw]:
    """Split an object into the JSON of its members, so that options are parsed without the trace.

    Empty if msgspec rejects the body.
    """
    try:
        return _MEMBERS.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}


def _score_trace(body: bytes, options: ScoreOptions, below: float, pattern: str | None) -> ScoredBody:
    document = parse_document(body)
    return pack_report(report_trace(document, options, below) | _count([], pattern), document.request.model)
