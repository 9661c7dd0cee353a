"""Which shape a body has: known by its keys alone. One that has the keys of several is read by all of their readers."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple, cast

from core.errors import InvalidInputError
from core.responses.chunks import refuse_chunk
from core.responses.expect import expect_object, find_object
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
"""Key and reader. A body with several of these tells one answer in several forms."""

_SIGNS: tuple[tuple[str, Reader], ...] = (
    # llama.cpp without probabilities: an empty `tokens` that says nothing about what was written.
    ("tokens_predicted", read_completion),
    # Ollama and TGI without log-probabilities.
    ("done", read_ollama),
    ("generated_text", read_details),
)
"""What a response is known by that has none of those keys, so that the refusal can say how to ask for them."""

_KNOWN = (
    "this is no response that can be scored. Known are {tokens: […]}, a Quote trace {request, events}, and the "
    "responses of OpenAI and vLLM (choices, output), SGLang (meta_info), TGI (details), llama.cpp "
    "(completion_probabilities), Ollama (logprobs) and Gemini (candidates)"
)


class UnknownResponseError(InvalidInputError):
    """The body has no shape that we know; the sentence lists those that we do."""

    def __init__(self, found: str = "") -> None:
        super().__init__(_KNOWN + found)


class Exchange(NamedTuple):
    """A response with what was sent to the model, where that is known, and the fields that may hold options."""

    response: dict[str, object]
    request: dict[str, object]
    options: dict[str, object]


def is_quote_trace(body: object) -> bool:
    """Whether a body is a Quote trace, or means to be one: `core.traces` reads those."""
    if not isinstance(body, dict) or "request" not in body or "response" in body:
        return isinstance(body, dict) and {"request", "events"} <= body.keys()
    request = body["request"]
    return "events" in body or (isinstance(request, dict) and "request_id" in request)


def read_shape(fields: dict[str, object]) -> Reading:
    """Reads the tokens of a response of any shape but a Quote trace. Of several choices the first is read.

    Raises:
        UnknownResponseError: it has no shape that we know.
        MissingLogprobsError: its sender did not ask the server for log-probabilities.
        InvalidInputError: anything in it is wrong; the sentence names the place.
        InvalidDistribution: a number in it is no probability, or a list no distribution.
    """
    fields = _wrap(fields)
    refuse_chunk(fields)
    found = [(key, read) for key, read in _READERS if _says_something(key, fields)]
    if _is_choice(fields):
        found = [("logprobs", read_bare_choice)]
    named = found or [one for one in _SIGNS if one[0] in fields] or [one for one in _READERS if one[0] in fields]
    if not named:
        raise UnknownResponseError
    return read_forms([(key, partial(read, fields)) for key, read in named])


def is_from_server(fields: dict[str, object]) -> bool:
    """Whether a server wrote the body, and not the caller."""
    return any(key in fields for key, read in (*_READERS, *_SIGNS) if read is not read_plain)


def _wrap(fields: dict[str, object]) -> dict[str, object]:
    """A part of a response in what stands around it, for those who send the part alone."""
    if fields.keys() & {"chosenCandidates", "chosen_candidates"}:
        fields = {"logprobsResult": fields}
    if fields.keys() & {"logprobsResult", "logprobs_result"}:
        return {"candidates": [fields]}
    if "output_token_logprobs" in fields:
        return {"meta_info": fields}
    return {"details": fields} if {"tokens", "generated_tokens"} <= fields.keys() else fields


def _says_something(key: str, fields: dict[str, object]) -> bool:
    """Servers send keys that hold nothing; llama.cpp's `tokens` are ids, which its reader takes."""
    value = fields.get(key)
    if key == "tokens" and is_from_server(fields):
        return isinstance(value, list) and any(isinstance(one, dict) for one in value)
    return value is not None


def _is_choice(fields: dict[str, object]) -> bool:
    """Whether it is one of `choices`, or its logprobs, without what stands around them."""
    if "token_logprobs" in fields or isinstance(fields.get("logprobs"), dict):
        return "choices" not in fields
    lists = [cast("list[object]", fields[key]) for key in ENTRY_LISTS if isinstance(fields.get(key), list)]
    return any("logprob" in find_object(one) for rows in lists for one in rows[:1])


def unwrap(body: object) -> Exchange:
    """The response itself, without a list or a request around it.

    Raises:
        UnknownResponseError: it is neither an object nor a list of one.
        InvalidInputError: a request stands beside it and is no object.
    """
    fields = _unlist(body)
    if "response" not in fields or "request" not in fields or isinstance(fields["response"], str):
        return Exchange(fields, {}, fields)
    request = {} if fields["request"] is None else expect_object(fields["request"], "request")
    return Exchange(_unlist(fields["response"]), request, fields)


def _unlist(body: object) -> dict[str, object]:
    if isinstance(body, list):
        if len(body) != 1:
            raise UnknownResponseError(f"; send one at a time, and not in chunks: this is a list of {len(body)}")
        body = body[0]
    if not isinstance(body, dict):
        raise UnknownResponseError
    return cast("dict[str, object]", body)
