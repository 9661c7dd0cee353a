"""Read a complete response: its tokens, whether they cover the whole answer, and warnings."""

from dataclasses import dataclass, replace

from core.confidence import InvalidDistribution, Token
from core.errors import InvalidInputError
from core.responses.alignment import Alignment, align_tokens
from core.responses.chunks import refuse_unfinished
from core.responses.doubts import forget_placeholders, note_fragments, note_unknown, reconcile_lists
from core.responses.options import refuse_logits, refuse_nested_logits
from core.responses.recognize import read_shape, unwrap
from core.responses.request import cut_echo, find_settings, trim_list


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer in a response.

    Attributes:
        tokens: the tokens in order. Empty for `tokens: []` and for an empty answer with logprobs.
        alignment: whether the tokens cover everything that was generated according to the response.
        warnings: problems that don't prevent scoring, one sentence each.
        text: the text without an echoed prompt; None if the prompt was not echoed, or the text is unknown.
    """

    tokens: list[Token]
    alignment: Alignment
    warnings: list[str]
    text: str | None = None


def check_posted(body: object) -> None:
    """Reject a posted response that is unfinished, or whose numbers are declared as logits anywhere.

    Stored responses are not checked, so that they remain readable.

    Raises:
        InvalidInputError: the message names the field that shows it.
    """
    exchange = unwrap(body)
    refuse_unfinished(exchange.response)
    refuse_nested_logits(exchange.response)
    refuse_nested_logits(exchange.request, "request.")


def read_response(body: object) -> Answer:
    """Read a response of any supported format except a Quote trace.

    Args:
        body: parsed JSON: the response, or `{request, response}` if the request is known. A list with one response, as
            TGI and SGLang send it, is unwrapped.

    Raises:
        UnknownResponseError: the format is not supported.
        MissingLogprobsError: the response has no log-probabilities.
        InvalidInputError: a field is invalid; the message names its path.
    """
    exchange = unwrap(body)
    refuse_logits(exchange.response)
    refuse_logits(exchange.request, "request.")
    settings = find_settings(exchange.request, exchange.response)
    try:
        reading = cut_echo(read_shape(exchange.response), settings)
    except InvalidDistribution as error:
        raise InvalidInputError(str(error)) from error
    known, doubted = forget_placeholders([trim_list(token, settings) for token in reading.tokens])
    tokens, changed = reconcile_lists(known)
    alignment, gaps = align_tokens(replace(reading, tokens=tokens), settings.stop)
    notes = [*(doubted or note_unknown(tokens)), *changed, *note_fragments(tokens)]
    text = reading.completion.text if settings.echo else None
    return Answer(tokens, alignment, [*reading.warnings, *notes, *gaps], text)
