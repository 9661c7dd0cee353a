"""Read one posted item: a response with the known facts about its request, in one form for all senders.

An item is `{request_id?, created_at?, completed_at?, user_api_key?, tags?, metadata?, request, response}`, a bare
response, or LiteLLM's payload (core.responses.litellm). Errors are InvalidInputErrors that name the path.
"""

from dataclasses import dataclass, field
from datetime import datetime

from core.errors import InvalidInputError
from core.responses.answers import NO_ANSWERS, Answers, find_error, read_answers
from core.responses.expect import Body, expect_list, expect_object, expect_text, find_list, find_text
from core.responses.options import ScoreOptions, read_options
from core.responses.summary import Summary
from core.wire.timestamp import parse_timestamp

NO_OPTIONS = ScoreOptions()

MAX_TAGS = 100
MAX_TAG_CHARS = 100
"""The limits of tags that people add (core.curation)."""


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
    """Return whether an object contains a response next to other fields. In Ollama's answers, `response` is a text."""
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
    try:
        answers, failure, warnings = NO_ANSWERS if response is None else read_answers(response, "response")
    except InvalidInputError as problem:
        if error is None:
            raise
        answers, failure, warnings = Answers([], None, (str(problem),))  # the failure matters more
    if response is None and error is None:
        raise InvalidInputError(
            "response: missing; send the response of the server, or the reason of the failure as error"
        )
    return Item(
        answers=answers[:1] if error else answers,
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
