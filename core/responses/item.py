"""Read one posted item: a response with the known facts about its request, in one form for all senders.

An item is `{request_id?, created_at?, completed_at?, user_api_key?, tags?, metadata?, request, response}`, a bare
response, or LiteLLM's payload (core.responses.litellm). Errors are InvalidInputErrors that name the path.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, cast

from core.errors import InvalidInputError
from core.responses.chunks import is_stream, refuse_chunk
from core.responses.expect import (
    Body,
    describe,
    expect_list,
    expect_object,
    expect_text,
    find_either,
    find_list,
    find_object,
    find_text,
    list_objects,
)
from core.responses.join import is_cut, join_stream, split_answers
from core.responses.options import ScoreOptions, read_options
from core.responses.recognize import UnknownResponseError, is_quote_trace, is_response
from core.responses.sse import read_events
from core.responses.summary import Summary, has_shape
from core.wire.timestamp import parse_timestamp

NO_OPTIONS = ScoreOptions()

MAX_TAGS = 100
MAX_TAG_CHARS = 100
"""The limits of tags that people add (core.curation)."""
MAX_CHOICES = 128
"""Maximum answers in one item. OpenAI allows 128."""


_CUT = ("the stream broke off before the answer ended; only the received part is stored",)


class Answers(NamedTuple):
    """The answers in a response: a body per answer.

    Attributes:
        error: why the call failed; None if it did not. The body of a failed response has facts, too.
        warnings: problems that don't prevent scoring, one sentence each.
    """

    bodies: list[Body]
    error: str | None
    warnings: tuple[str, ...]


NO_ANSWERS = Answers([], None, ())


@dataclass(frozen=True, slots=True)
class Item:
    """One posted call of a model.

    Attributes:
        source: the exporter that sent the item: litellm or otlp. If None, the source is the shape of the response.
        answers: one response per answer; at most one, which is not scored, if the call failed.
        request: the request that was sent to the model; empty if unknown.
        request_id: the id from the sender; None if the item has none.
        id_path: the path of the id, for errors.
        metadata: as posted; shown in the log.
        summary: facts from outside the response. They take precedence over its own.
        error: why the call failed; None if it did not.
        warnings: problems that don't prevent scoring, one sentence each.
        options: the scoring options next to the response.
    """

    answers: list[Body]
    source: str | None = None
    request: Body = field(default_factory=dict)
    request_id: str | None = None
    id_path: str = "request_id"
    created_at: datetime | None = None
    completed_at: datetime | None = None
    user_api_key: str | None = None
    tags: tuple[str, ...] = ()
    metadata: Body = field(default_factory=dict)
    summary: Summary = field(default_factory=Summary)
    error: str | None = None
    warnings: tuple[str, ...] = ()
    options: ScoreOptions = NO_OPTIONS


def is_envelope(fields: Body) -> bool:
    """Whether an object contains a response next to other fields. In Ollama's answers, `response` is a text."""
    is_failure = "error" in fields and not {"request", "request_id"}.isdisjoint(fields)
    return ("response" in fields or is_failure) and "done" not in fields


def read_envelope(fields: Body) -> Item:
    """Read `{request, response, …}`.

    Raises:
        InvalidInputError: a field is not valid, or the shape of the response is unknown.
    """
    response = fields.get("response")
    request: Body = {} if fields.get("request") is None else expect_object(fields["request"], "request")
    error = find_error(fields.get("error"))
    answers, failure, warnings = NO_ANSWERS if response is None else read_answers(response, "response")
    if response is None and error is None:
        raise InvalidInputError(
            "response: missing; send the response of the server, or the reason of the failure as error"
        )
    return Item(
        answers=[] if error else answers,
        request=request,
        request_id=expect_text(fields.get("request_id"), "request_id"),
        created_at=read_time(fields.get("created_at"), "created_at"),
        completed_at=read_time(fields.get("completed_at"), "completed_at"),
        user_api_key=expect_text(fields.get("user_api_key"), "user_api_key"),
        tags=read_tags(fields.get("tags"), "tags"),
        metadata={} if fields.get("metadata") is None else expect_object(fields["metadata"], "metadata"),
        error=error or failure,
        warnings=warnings,
        options=read_options({name: fields[name] for name in fields.keys() - {"request", "response"}}),
    )


def read_bare(fields: Body) -> Item:
    """Read a response that was posted alone.

    Raises:
        UnknownResponseError: its shape is unknown.
        InvalidInputError: it is one chunk of a stream.
    """
    answers, failure, warnings = read_answers(fields, "body")
    return Item(answers, id_path="id", error=failure, warnings=warnings, options=read_options(fields))


def read_answers(response: object, path: str) -> Answers:
    """Split a response into its answers: a body, the text or the chunks of a stream, or a list of bodies.

    Raises:
        InvalidInputError: the value has the wrong type, or is a stream that can't be joined.
        UnknownResponseError: the shape of the response is unknown.
    """
    bodies, warnings = _list_bodies(response, path)
    if any(is_quote_trace(body) for body in bodies):
        raise InvalidInputError(f"{path}: a Quote trace can't be part of an item; post {{request, events}} alone")
    for body in bodies:
        failure = _find_failure(body)
        if failure is not None:
            return Answers([body] if has_shape(body) else [], failure, warnings)
    for body in bodies:
        refuse_chunk(body)
        if not is_response(body):
            raise UnknownResponseError(path=path)
    answers = [answer for body in bodies for answer in split_choices(body)]
    if len(answers) > MAX_CHOICES:
        raise InvalidInputError(f"{path}: has {len(answers)} answers; at most {MAX_CHOICES} are allowed")
    return Answers(answers, None, warnings)


def _list_bodies(response: object, path: str) -> tuple[list[Body], tuple[str, ...]]:
    """Return the complete responses in a value, with streams joined, and warnings."""
    events = read_events(response, path) if isinstance(response, str) else None
    response = events.rows if events else response
    is_broken, is_done = (events.is_broken, events.is_done) if events else (False, False)
    if isinstance(response, list):
        chunks = [expect_object(one, f"{path}[{i}]") for i, one in enumerate(find_list(response))]
        if not chunks:
            raise InvalidInputError(f"{path}: is empty; send at least one response")
        is_joined = is_stream(chunks) or (events is not None and len(chunks) > 1)
        if not is_joined:
            return chunks, _CUT if is_broken else ()
        answers = split_answers(chunks)
        is_partial = is_broken or (not is_done and any(map(is_cut, answers)))
        return [join_stream(part, path) for part in answers], _CUT if is_partial else ()
    if isinstance(response, dict):
        return [cast("Body", response)], ()
    raise InvalidInputError(f"{path}: must be an object, a list or the text of a stream, not {describe(response)}")


def _find_failure(body: Body) -> str | None:
    """Return why a response has no answer: the server's error in any of its usual forms; None if it has an answer."""
    errors = [choice.get("error") for choice in list_objects(body.get("choices"))]
    if errors and all(errors):  # OpenRouter
        return find_error(errors[0])
    feedback = find_object(find_either(body, "promptFeedback"))
    if not body.get("candidates") and find_either(feedback, "blockReason"):  # Gemini
        return f"the prompt was blocked: {find_either(feedback, 'blockReason')}"
    if body.get("object") == "error":  # vLLM and SGLang
        return find_error(body)
    if body.keys() == {"detail"}:  # FastAPI
        return find_error(body["detail"]) or "the call failed"
    reasons = [choice.get("finish_reason") for choice in list_objects(body.get("choices"))]
    has_failed = body.get("status") == "failed" or ("choices" in body and all(one == "error" for one in reasons))
    if body.get("error") is None or (is_response(body) and not has_failed):
        return None
    return find_error(body["error"])


def find_error(value: object) -> str | None:
    """Return the message of an error, which is a text or an object with a message; None if there is no error."""
    if value is None or value == "" or value is False:
        return None
    fields = find_object(value)
    return find_text(value) or find_text(fields.get("message")) or find_text(fields.get("code")) or "the call failed"


def split_choices(body: Body) -> list[Body]:
    """Split a response with several choices, in the order of their indices.

    The token count of the usage covers all of them, so it is left out.
    """
    for key in ("choices", "candidates"):
        choices = find_list(body.get(key))
        if len(choices) > 1:
            usage = {
                name: _keep_prompt(body[name]) for name in ("usage", "usageMetadata", "usage_metadata") if name in body
            }
            return [{**body, key: [choice], **usage} for choice in sorted(choices, key=_index_of)]
    return [body]


def _keep_prompt(usage: object) -> Body:
    return {name: count for name, count in find_object(usage).items() if name.startswith("prompt")}


def _index_of(choice: object) -> int:
    index = find_object(choice).get("index")
    return index if type(index) is int else 0


def read_tags(value: object, path: str) -> tuple[str, ...]:
    """Read a list of tags, without duplicates.

    Raises:
        InvalidInputError: it is not a list of short texts.
    """
    rows: list[object] = [] if value is None else expect_list(value, path)
    if len(rows) > MAX_TAGS:
        raise InvalidInputError(f"{path}: has {len(rows)} tags; at most {MAX_TAGS} are allowed")
    tags = [(expect_text(row, f"{path}[{i}]") or "").strip() for i, row in enumerate(rows)]
    for i, tag in enumerate(tags):
        if not 0 < len(tag) <= MAX_TAG_CHARS:
            raise InvalidInputError(f"{path}[{i}]: must have 1 to {MAX_TAG_CHARS} characters")
    return tuple(dict.fromkeys(tags))


def find_tags(value: object) -> tuple[str, ...]:
    """Return the storable tags of a list. Others are ignored, because programs add them automatically."""
    tags = map(find_text, find_list(value))
    kept = (tag for tag in tags if tag and tag.strip() == tag and len(tag) <= MAX_TAG_CHARS)
    return tuple(dict.fromkeys(kept))[:MAX_TAGS]


def read_time(value: object, path: str) -> datetime | None:
    """Read a time from the sender.

    Raises:
        InvalidInputError: it is not a time.
    """
    try:
        return None if value is None else parse_timestamp(value)
    except ValueError as error:
        raise InvalidInputError(f"{path}: {error}") from None


def find_time(value: object) -> datetime | None:
    """Return a time from a server; None if it is not valid. Some servers write 0."""
    try:
        return parse_timestamp(value) if value else None
    except ValueError:
        return None
