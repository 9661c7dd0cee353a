"""Which shape a body has: the first key of a table that it has decides, so that each body has one reading."""

from collections.abc import Callable
from typing import cast

from core.confidence import InvalidDistribution, Token
from core.errors import InvalidInputError
from core.responses.gemini import read_candidates
from core.responses.llama_cpp import read_completion
from core.responses.ollama import read_ollama
from core.responses.openai import read_choices, read_output
from core.responses.plain import read_plain
from core.responses.sglang import read_meta_info
from core.responses.tgi import read_details

_READERS: tuple[tuple[str, Callable[[dict[str, object]], list[Token]]], ...] = (
    ("choices", read_choices),
    ("candidates", read_candidates),
    ("completion_probabilities", read_completion),
    ("details", read_details),
    ("meta_info", read_meta_info),
    ("output", read_output),
    # llama.cpp without probabilities: an empty `tokens` that says nothing about what was written.
    ("tokens_predicted", read_completion),
    ("tokens", read_plain),
    ("logprobs", read_ollama),
    # Ollama and TGI without log-probabilities: known, so that the refusal can say how to ask for them.
    ("done", read_ollama),
    ("generated_text", read_details),
)
"""Key and reader, in order. What servers send comes before `tokens`, which llama.cpp sends too, empty."""

_KNOWN = (
    "this is no response that can be scored. Known are {tokens: […]}, a Quote trace {request, events}, and the "
    "responses of OpenAI and vLLM (choices, output), SGLang (meta_info), TGI (details), llama.cpp "
    "(completion_probabilities), Ollama (logprobs) and Gemini (candidates)"
)


class UnknownResponseError(InvalidInputError):
    """The body has no shape that we know; the sentence lists those that we do."""

    def __init__(self, found: str = "") -> None:
        super().__init__(_KNOWN + found)


def is_quote_trace(body: object) -> bool:
    """Whether a body is a Quote trace, or means to be one: `core.traces` reads those."""
    if not isinstance(body, dict) or "request" not in body:
        return False
    request = body["request"]
    return "events" in body or (isinstance(request, dict) and "request_id" in request)


def read_response(body: object) -> list[Token]:
    """Reads the tokens of a response of any shape but a Quote trace. Of several choices the first is read.

    Args:
        body: as JSON gave it. A list around a single response, as TGI and SGLang send it, is taken off.

    Returns:
        The tokens in order; none for `tokens: []` and for a response that is empty but carries logprobs.

    Raises:
        UnknownResponseError: it has no shape that we know.
        MissingLogprobsError: its sender did not ask the server for log-probabilities.
        InvalidInputError: anything in it is wrong; the sentence names the place.
    """
    fields = unwrap(body)
    for key, read in _READERS:
        if key in fields:
            try:
                return read(fields)
            except InvalidDistribution as error:
                raise InvalidInputError(str(error)) from error
    raise UnknownResponseError


def unwrap(body: object) -> dict[str, object]:
    """The response itself, without a list around it.

    Raises:
        UnknownResponseError: it is neither an object nor a list of one.
    """
    if isinstance(body, list):
        if len(body) != 1:
            raise UnknownResponseError(f"; send one at a time, and not in chunks: this is a list of {len(body)}")
        body = body[0]
    if not isinstance(body, dict):
        raise UnknownResponseError
    return cast("dict[str, object]", body)
