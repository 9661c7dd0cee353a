"""Recognize the format of a body by its keys. A body with the keys of several formats is read by all their readers."""

from functools import partial
from typing import NamedTuple, cast

from core.errors import InvalidInputError
from core.responses.chunks import refuse_chunk
from core.responses.expect import Body, expect_object, find_first
from core.responses.openai import ENTRY_LISTS, read_bare_choice, summarize_choice
from core.responses.reading import Reading, read_forms
from core.responses.shape import Reader, Shape
from core.responses.shapes import PLAIN, SHAPES
from core.responses.summary import Summary

UNKNOWN = "unknown"
"""The source of a failed call without a response: nothing names the server."""

_KNOWN = (
    "not a response that can be scored; send {tokens: […]}, a Quote trace {request, events}, or a response of "
    "OpenAI or vLLM (choices, output), SGLang (meta_info), TGI (details), llama.cpp (completion_probabilities), "
    "Ollama (logprobs) or Gemini (candidates)"
)


class UnknownResponseError(InvalidInputError):
    """The format of the body is not supported. The message lists the supported formats."""

    def __init__(self, found: str = "", *, path: str = "body") -> None:
        super().__init__(f"{path}: {_KNOWN}{found}")


class Exchange(NamedTuple):
    """A response, its request if known, and the fields that may hold options."""

    response: Body
    request: Body
    options: Body


def is_quote_trace(body: object) -> bool:
    """Return whether a body is a Quote trace or an incomplete one. `core.document` reads those."""
    if not isinstance(body, dict) or "request" not in body or "response" in body:
        return isinstance(body, dict) and {"request", "events"} <= body.keys()
    request = body["request"]
    return "events" in body or (isinstance(request, dict) and "request_id" in request)


def read_shape(fields: Body) -> Reading:
    """Read the tokens of a response of any supported format except a Quote trace. Only the first choice is read.

    Raises:
        UnknownResponseError: the format is not supported.
        MissingLogprobsError: the response has no log-probabilities.
        InvalidInputError: a field is invalid; the message names its path.
        InvalidDistribution: a number is not a probability, or a list is not a distribution.
    """
    fields = _wrap(fields)
    refuse_chunk(fields)
    named = _find_readers(fields)
    if not named:
        raise UnknownResponseError
    return read_forms([(key, partial(read, fields)) for key, read in named])


def is_response(fields: Body) -> bool:
    """Return whether a body is a response of a supported format, with or without log-probabilities."""
    return bool(_find_readers(_wrap(fields)))


def _find_readers(fields: Body) -> list[tuple[str, Reader]]:
    if _is_choice(fields):
        return [("logprobs", read_bare_choice)]
    found = [shape for shape in SHAPES if _has_content(shape.key, fields)]
    found = found or [shape for shape in SHAPES if shape.key in fields or not shape.signs.isdisjoint(fields)][:1]
    return [(shape.key, shape.read) for shape in found]


def _find_shape(fields: Body) -> Shape | None:
    found = next((shape for shape in SHAPES if not shape.signs.isdisjoint(fields)), None)
    return None if found is PLAIN and _is_choice(fields) else found


def find_source(body: Body) -> str:
    """Return the name of a response's shape. Only a part of OpenAI's responses has none of the shapes' keys."""
    shape = _find_shape(_wrap(body))
    return shape.source if shape else "openai" if body else UNKNOWN


def has_shape(body: Body) -> bool:
    """Return whether the keys of a response show its shape."""
    return _find_shape(_wrap(body)) is not None


def summarize_response(body: Body) -> Summary:
    """Read the facts of a response of any shape. It never fails: a fact of the wrong type counts as absent."""
    fields = _wrap(body)
    shape = _find_shape(fields)
    return shape.summarize(fields) if shape else summarize_choice(fields)


def is_from_server(fields: Body) -> bool:
    """Return whether the body was written by a server rather than by the caller."""
    return any(shape.key in fields or not shape.signs.isdisjoint(fields) for shape in SHAPES if shape is not PLAIN)


def _wrap(fields: Body) -> Body:
    """Wrap a part of a response that was sent alone in the objects that normally enclose it."""
    if fields.keys() & {"chosenCandidates", "chosen_candidates"}:
        fields = {"logprobsResult": fields}
    if fields.keys() & {"logprobsResult", "logprobs_result"}:
        return {"candidates": [fields]}
    if "output_token_logprobs" in fields:
        return {"meta_info": fields}
    return {"details": fields} if {"tokens", "generated_tokens"} <= fields.keys() else fields


def _has_content(key: str, fields: Body) -> bool:
    """Return whether a field has content. Servers send empty fields, and llama.cpp's `tokens` are only ids."""
    value = fields.get(key)
    if key == "tokens" and is_from_server(fields):
        return isinstance(value, list) and any(isinstance(one, dict) for one in value)
    return value is not None


def _is_choice(fields: Body) -> bool:
    """Return whether the body is a single item of `choices`, or the logprobs of one."""
    if "token_logprobs" in fields or isinstance(fields.get("logprobs"), dict):
        return "choices" not in fields
    return any("logprob" in find_first(fields.get(key)) for key in ENTRY_LISTS)


def unwrap(body: object) -> Exchange:
    """Unwrap a response from a list of one or from `{request, response}`.

    Raises:
        UnknownResponseError: the body is neither an object nor a list of one object.
        InvalidInputError: the request is not an object.
    """
    fields = _unlist(body)
    if "response" not in fields or "request" not in fields or isinstance(fields["response"], str):
        return Exchange(fields, {}, fields)
    request = {} if fields["request"] is None else expect_object(fields["request"], "request")
    return Exchange(_unlist(fields["response"]), request, fields)


def _unlist(body: object) -> Body:
    if isinstance(body, list):
        if len(body) != 1:
            raise UnknownResponseError(f"; this is a list of {len(body)}; send one complete response at a time")
        body = body[0]
    if not isinstance(body, dict):
        raise UnknownResponseError
    return cast("Body", body)
