"""Read a stored document of any format: its scores, and the facts that only some formats have."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from core.confidence import InvalidDistribution
from core.document.formats import EVENTS_FORMAT, QUOTE_FORMAT, SPAN_FORMAT
from core.document.parse import parse_stored
from core.document.schema import Request, TraceDocument
from core.errors import InvalidInputError
from core.pairing.alignment import align_trace
from core.pairing.scored_trace import ScoredTrace, score_trace
from core.responses import Answer, MissingLogprobsError, ScoreOptions, check_posted, read_response
from core.responses.answers import split_choices
from core.responses.expect import Body, expect_object
from core.responses.item import NO_OPTIONS, Item, find_time
from core.responses.items import read_event_item, read_item
from core.responses.options import RAW_LOGPROBS
from core.responses.prompt import SYSTEM_ROLES, USER_ROLE, Message, read_prompt
from core.responses.recognize import find_source, summarize_response
from core.responses.request import find_prompt_text
from core.responses.spans import read_span
from core.responses.summary import Summary
from core.traces.answer_trace import score_answer
from core.traces.first_list import Prompt, find_prompt
from core.wire.parse_json import parse_json

QUOTE = "quote"
NO_ANSWER = Answer([], None, [])
QUOTE_OPTIONS = ScoreOptions(logprobs_mode=RAW_LOGPROBS)


@dataclass(frozen=True, slots=True)
class Facts:
    """Facts of a request other than scores. None if its format doesn't contain the fact.

    Attributes:
        source: the origin: quote, the shape of the response, or the exporter.
        warnings: problems that don't prevent scoring, one sentence each.
        messages: the prompt's messages.
        finish_reason: why the generation ended, in the server's words.
        error: why the call failed.
        metadata: as posted.
        tags: the tags that the sender gave.
    """

    source: str = QUOTE
    warnings: Sequence[str] = ()
    messages: list[Message] | None = None
    finish_reason: str | None = None
    error: str | None = None
    metadata: dict[str, object] = field(default_factory=dict)
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class KeptTrace:
    """A request of any format.

    Attributes:
        trace: its scores.
        facts: its other facts.
        prompt: the prompt and the settings of the request; empty if unknown.
        answer: the answer as read from a response; empty for a Quote trace.
        options: the scoring options in the item; of a Quote trace, how the engine computes logprobs.
    """

    trace: ScoredTrace
    facts: Facts
    prompt: Prompt
    answer: Answer = NO_ANSWER
    options: ScoreOptions = NO_OPTIONS


def read_kept(document: bytes, number: int, choice: int) -> KeptTrace:
    """Read a stored document: parse, pair, score. Pure.

    Args:
        document: decompressed.
        number: its format.
        choice: the position of the answer in it.
    """
    if number == QUOTE_FORMAT:
        return keep_quote(parse_stored(document))
    return keep_answer(parse_item(document, number), choice)


def keep_quote(document: TraceDocument) -> KeptTrace:
    """Score a Quote trace, and collect its warnings."""
    trace, request = score_trace(document), document.request
    unusable = request.group_id is not None and request.group is None
    warnings = ["request.group_id: ignored; send a text that can be a request_id"] if unusable else []
    warnings += [*trace.pairing.warnings, *align_trace(document, trace.pairing)[1]]
    return KeptTrace(trace, Facts(warnings=warnings), find_prompt(trace), options=QUOTE_OPTIONS)


def parse_item(document: bytes, number: int) -> Item:
    """Parse a document that is not a Quote trace.

    Raises:
        InvalidInputError: it is not valid; the message names the path.
    """
    if number == EVENTS_FORMAT:
        return read_event_item(document.decode("utf-8", "replace"))
    if number == SPAN_FORMAT:
        return read_span(expect_object(parse_json(document), "span"))
    return read_item(parse_json(document))


def count_answers(item: Item) -> int:
    """Return the number of requests that an item becomes. A failed call is one."""
    return max(1, len(item.answers))


def check_answers(item: Item) -> None:
    """Reject a posted item with an answer that is unfinished or declared as logits. Stored ones remain readable.

    Raises:
        InvalidInputError: an answer is unfinished, or declared as logits; the message names the path.
    """
    for choice, body in enumerate(item.answers if item.error is None else []):
        try:
            check_posted({"request": item.request, "response": body})
        except InvalidInputError as error:
            raise InvalidInputError(_name_choice(str(error), choice)) from None


def keep_answer(item: Item, choice: int) -> KeptTrace:
    """Score one answer of an item.

    Raises:
        InvalidInputError: a field is not valid, a list is not a distribution, or the item has no such answer; the
            message names the path.
    """
    body = _find_body(item, choice)
    summary = item.summary.fill(summarize_response(body))
    answer = _read_answer(item, choice) if body and item.error is None else NO_ANSWER
    prompt = read_prompt(item.request)
    request = Request(
        request_id=item.request_id or summary.request_id or "",
        created_at=find_began(item, summary),
        completed_at=find_ended(item, summary),
        model=summary.model or prompt.model,
        user_api_key=item.user_api_key,
        max_tokens=prompt.max_tokens,
        temperature=prompt.temperature,
        system_prompt=prompt.find_role(*SYSTEM_ROLES),
        user_prompt=prompt.find_role(USER_ROLE),
        final_token_ids=_list_ids(answer),
        final_text=_find_text(summary, answer, item.request) if answer.text is None else answer.text,
        inference_stats=_list_stats(summary),
    )
    facts = Facts(
        source=item.source or find_source(body),
        warnings=[*item.warnings, *answer.warnings],
        messages=prompt.messages if item.request else None,
        finish_reason=summary.finish_reason,
        error=item.error,
        metadata=item.metadata,
        tags=item.tags,
    )
    trace = score_answer(request, answer.tokens, top_p=item.options.top_p)
    return KeptTrace(trace, facts, item.request, answer, item.options)


def _find_body(item: Item, choice: int) -> Body:
    """Return the body of an answer. Earlier versions stored each choice of some failed calls."""
    bodies = item.answers or [{}]
    if item.error is not None and choice > 0:
        bodies = [part for body in bodies for part in split_choices(body)]
    if choice >= len(bodies):
        raise InvalidInputError(f"choice: {choice} is out of range; the item has {len(bodies)} answers")
    return bodies[choice]


def _read_answer(item: Item, choice: int) -> Answer:
    body: dict[str, object] = {"request": item.request, "response": item.answers[choice]}
    try:
        return read_response(body)
    except MissingLogprobsError as error:
        return Answer([], None, [_name_choice(str(error), choice)])
    except (InvalidInputError, InvalidDistribution) as error:
        raise InvalidInputError(_name_choice(str(error), choice)) from None


def _name_choice(sentence: str, choice: int) -> str:
    """Restore the posted position in the paths of errors, because each answer is read as if it were the only one."""
    for name in ("choices", "candidates"):
        sentence = sentence.replace(f"{name}[0]", f"{name}[{choice}]", 1) if sentence.startswith(name) else sentence
    return sentence


def find_began(item: Item, summary: Summary) -> datetime | None:
    """Return the start of the call: from the item, else from the server, else computed from its end and duration."""
    began, ended = item.created_at or find_time(summary.began), item.completed_at or find_time(summary.ended)
    if began is None and ended is not None and summary.seconds is not None:
        return ended - timedelta(seconds=min(summary.seconds, 1e7))
    return began


def find_ended(item: Item, summary: Summary) -> datetime | None:
    """Return the end of the call: from the item, else from the server."""
    return item.completed_at or find_time(summary.ended)


def _list_ids(answer: Answer) -> list[int] | None:
    ids = [token.token for token in answer.tokens]
    return [one for one in ids if one is not None] if ids and None not in ids else None


def _find_text(summary: Summary, answer: Answer, request: Body) -> str | None:
    """Return the text of the answer without a prompt that `echo` puts in front of it."""
    texts = [token.text for token in answer.tokens if not token.discarded]
    joined = "".join(text for text in texts if text is not None) if texts and None not in texts else None
    if summary.text is None or request.get("echo") is not True:
        return joined if summary.text is None else summary.text
    return summary.text.removeprefix(find_prompt_text(request) or "")


def _list_stats(summary: Summary) -> dict[str, object]:
    stats = {
        "prompt_tokens": summary.prompt_tokens,
        "generated_tokens": summary.generated_tokens,
        "total_tokens": summary.total_tokens,
        "wall_time_ms": None if summary.seconds is None else summary.seconds * 1000,
    }
    return {name: value for name, value in stats.items() if value is not None}
