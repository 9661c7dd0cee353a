"""Responses of llama.cpp's own /completion.

Source: tools/server/README.md of llama.cpp ("Response format" of POST /completion) and completion_token_output in its
server. Three forms: `{id, token, bytes, logprob, top_logprobs}`; under `post_sampling_probs` `{…, prob, top_probs}`;
until the end of 2024 `{content, probs: [{tok_str, prob}]}`, where the chosen token has no number of its own. p = 0 is
the least float there is, which counts as masked.
"""

from core.confidence import Token
from core.responses.entry import Alternatives, Names, read_token
from core.responses.expect import MissingLogprobsError, expect_object, expect_tokens

_NAMES = Names("id", "token")
_OLD_CHOSEN = Names("id", "content")
_OLD_LISTED = Names("id", "tok_str")

_LISTS = ("top_logprobs", "top_probs", "probs")

_ASK = 'ask for them with "n_probs": 20'


def read_completion(body: dict[str, object]) -> list[Token]:
    """Reads `completion_probabilities`; the server leaves it out where `n_probs` is 0, and sends an empty `tokens`.

    Raises:
        InvalidInputError: a field is of the wrong type, or there are no probabilities.
        InvalidDistribution: a number is no probability, or a list no distribution.
    """
    place = "completion_probabilities"
    if body.get(place) is None:
        raise MissingLogprobsError(place, _ASK)
    rows = expect_tokens(body[place], place)
    return [_read_row(row, f"{place}[{i}]") for i, row in enumerate(rows)]


def _read_row(value: object, place: str) -> Token:
    row = expect_object(value, place)
    old = "token" not in row and "content" in row
    key = next((key for key in _LISTS if row.get(key) is not None), _LISTS[0])
    names = _OLD_LISTED if old else _NAMES
    return read_token(row, place, _OLD_CHOSEN if old else _NAMES, Alternatives(row.get(key), f"{place}.{key}", names))
