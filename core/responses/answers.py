"""Read the answers in a response: complete bodies, streams, and failures of a server."""

from typing import NamedTuple, cast

from core.errors import InvalidInputError
from core.responses.chunks import is_stream, refuse_chunk
from core.responses.expect import (
    Body,
    describe,
    expect_object,
    find_either,
    find_index,
    find_list,
    find_object,
    find_text,
    list_objects,
)
from core.responses.join import is_cut, join_stream, skip_foreign, split_answers
from core.responses.recognize import UnknownResponseError, has_shape, is_quote_trace, is_response
from core.responses.sse import read_events

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
        known = skip_foreign(chunks)
        dropped = chunks[: len(chunks) - len(known)]
        if events is None and any(is_response(one) or _find_failure(one) for one in dropped):
            known = chunks  # a list of responses
        if not is_stream(known) and (events is None or len(chunks) == 1):
            return chunks, _CUT if is_broken else ()
        answers = split_answers(known)
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
            ordered = sorted(choices, key=lambda choice: find_index(find_object(choice)))
            return [{**body, key: [choice], **usage} for choice in ordered]
    return [body]


def _keep_prompt(usage: object) -> Body:
    return {name: count for name, count in find_object(usage).items() if name.startswith("prompt")}
