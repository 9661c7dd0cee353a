"""A response read to the end: its tokens, whether they are all of the answer, and what is odd about it."""

from dataclasses import dataclass, replace

from core.confidence import InvalidDistribution, Token
from core.errors import InvalidInputError
from core.responses.alignment import Alignment, align_tokens
from core.responses.doubts import forget_placeholders, note_fragments, settle_lists
from core.responses.recognize import read_shape, unwrap
from core.responses.request import cut_echo, find_asked, trim_list


@dataclass(frozen=True, slots=True)
class Answer:
    """What a response holds.

    Attributes:
        tokens: in order; none for `tokens: []` and for a response that is empty but carries logprobs.
        alignment: whether the tokens are all that the response says was generated.
        warnings: what is odd about a response that can be used all the same, a sentence each.
    """

    tokens: list[Token]
    alignment: Alignment
    warnings: list[str]


def read_response(body: object) -> Answer:
    """Read a response of any shape but a Quote trace.

    Args:
        body: as JSON gave it: the response, or `{request, response}` where what was sent to the model is known. A list
            around a single response, as TGI and SGLang send it, is taken off.

    Raises:
        UnknownResponseError: it has no shape that we know.
        MissingLogprobsError: its sender did not ask the server for log-probabilities.
        InvalidInputError: anything in it is wrong; the sentence names the place.
    """
    exchange = unwrap(body)
    asked = find_asked(exchange.request, exchange.response)
    try:
        reading = cut_echo(read_shape(exchange.response), asked)
    except InvalidDistribution as error:
        raise InvalidInputError(str(error)) from error
    known, doubted = forget_placeholders([trim_list(token, asked) for token in reading.tokens])
    tokens, changed = settle_lists(known)
    alignment, gaps = align_tokens(replace(reading, tokens=tokens), asked.stop)
    warnings = [*reading.warnings, *doubted, *changed, *note_fragments(tokens), *gaps]
    return Answer(tokens, alignment, warnings)
