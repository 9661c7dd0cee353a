"""From a server's response, as JSON gave it, to the tokens that can be scored: pure, no I/O.

    if not is_quote_trace(body):
        answer = read_response(body)
        options = read_options(body)

A response is recognised by its keys alone, because servers copy each other's paths and model names, and many call
themselves OpenAI. What is wrong in one is an InvalidInputError that names the place in the sender's own words.
"""

from core.responses.answer import Answer, read_response
from core.responses.expect import MAX_TOKENS, MissingLogprobsError
from core.responses.options import MAX_WINDOW, ScoreOptions, read_options
from core.responses.recognize import UnknownResponseError, is_quote_trace

__all__ = [
    "MAX_TOKENS",
    "MAX_WINDOW",
    "Answer",
    "MissingLogprobsError",
    "ScoreOptions",
    "UnknownResponseError",
    "is_quote_trace",
    "read_options",
    "read_response",
]
