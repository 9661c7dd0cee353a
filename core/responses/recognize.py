"""Recognize the format of a body by its keys. A body with the keys of several formats is read by all their readers."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple, cast

from core.errors import InvalidInputError
from core.responses.chunks import refuse_chunk
from core.responses.expect import expect_object, find_first
from core.responses.gemini import read_candidates
from core.responses.llama_cpp import read_completion
from core.responses.ollama import read_ollama
from core.responses.openai import ENTRY_LISTS, read_bare_choice, read_choices
from core.responses.output import read_output
from core.responses.plain import read_plain
from core.responses.reading import Reading, read_forms
from core.responses.sglang import read_meta_info
from core.responses.tgi import read_details

Reader = Callable[[dict[str, object]], Reading]

_READERS: tuple[tuple[str, Reader], ...] = (
    ("choices", read_choices),
    ("candidates", read_candidates),
    ("completion_probabilities", read_completion),
    ("details", read_details),
    ("meta_info", read_meta_info),
    ("output", read_output),
    ("tokens", read_plain),
    ("logprobs", read_ollama),
)
"""Key and reader of each format. A body with several of these keys holds one answer in several forms."""

_SIGNS: tuple[tuple[str, Reader], ...] = (
    # llama.cpp without probabilities. It sends an empty `tokens`.
    ("tokens_predicted", read_completion),
    # Ollama and TGI without log-probabilities.
    ("done", read_ollama),
    ("generated_text", read_details),
)
"""Keys of responses without log-probabilities, so that the error can explain how to request them."""

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

    response: dict[str, object]
    request: dict[str, object]
    options: dict[str, object]


def is_quote_trace(body: object) -> bool:
    """Whether a body is a Quote trace or an incomplete one. `core.document` reads those."""
    if not isinstance(body, dict) or "request" not in body or "response" in body:
        return isinstance(body, dict) and {"request", "events"} <= body.keys()
    request = body["request"]
    return "events" in body or (isinstance(request, dict) and "request_id" in request)


def read_shape(fields: dict[str, object]) -> Reading:
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


def is_response(fields: dict[str, object]) -> bool:
    """Whether a body is a response of a supported format, with or without log-probabilities."""
    return bool(_find_readers(_wrap(fields)))


def _find_readers(fields: dict[str, object]) -> list[tuple[str, Reader]]:
    found: list[tuple[str, Reader]] = [(key, read) for key, read in _READERS if _says_something(key, fields)]
    if _is_choice(fields):
        found = [("logprobs", read_bare_choice)]
    return found or [one for one in _SIGNS if one[0] in fields] or [one for one in _READERS if one[0] in fields]


def is_from_server(fields: dict[str, object]) -> bool:
    """Whether the body was written by a server rather than by the caller."""
    return any(key in fields for key, read in (*_READERS, *_SIGNS) if read is not read_plain)


def _wrap(fields: dict[str, object]) -> dict[str, object]:
    """Wrap a part of a response that was sent alone in the objects that normally enclose it."""
    if fields.keys() & {"chosenCandidates", "chosen_candidates"}:
        fields = {"logprobsResult": fields}
    if fields.keys() & {"logprobsResult", "logprobs_result"}:
        return {"candidates": [fields]}
    if "output_token_logprobs" in fields:
        return {"meta_info": fields}
    return {"details": fields} if {"tokens", "generated_tokens"} <= fields.keys() else fields


def _says_something(key: str, fields: dict[str, object]) -> bool:
    """Whether a key has content: servers send empty ones, and llama.cpp's `tokens` are ids for its own reader."""
    value = fields.get(key)
    if key == "tokens" and is_from_server(fields):
        return isinstance(value, list) and any(isinstance(one, dict) for one in value)
    return value is not None


def _is_choice(fields: dict[str, object]) -> bool:
    """Whether the body is a single item of `choices`, or the logprobs of one."""
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


def _unlist(body: object) -> dict[str, object]:
    if isinstance(body, list):
        if len(body) != 1:
            raise UnknownResponseError(f"; this is a list of {len(body)}; send one complete response at a time")
        body = body[0]
    if not isinstance(body, dict):
        raise UnknownResponseError
    return cast("dict[str, object]", body)
