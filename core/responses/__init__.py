"""Convert the parsed JSON response of an inference server to tokens that can be scored. Pure functions; no I/O.

    if not is_quote_trace(body):
        answer = read_response(body)
        options = read_options(body)

Formats are recognized by their keys alone, because servers copy each other's URLs and model names. Errors are
InvalidInputErrors that name the path of the invalid field, with the keys that the sender used.
"""

from core.document.schema import MAX_TOKENS
from core.responses.answer import Answer, check_posted, read_response
from core.responses.expect import MissingLogprobsError
from core.responses.options import MAX_WINDOW, ScoreOptions, read_options
from core.responses.recognize import UnknownResponseError, is_quote_trace

__all__ = [
    "MAX_TOKENS",
    "MAX_WINDOW",
    "Answer",
    "MissingLogprobsError",
    "ScoreOptions",
    "UnknownResponseError",
    "check_posted",
    "is_quote_trace",
    "read_options",
    "read_response",
]
