"""Read responses of llama.cpp's own /completion.

Source: tools/server/README.md of llama.cpp ("Response format" of POST /completion) and completion_token_output in its
server. There are three forms: `{id, token, bytes, logprob, top_logprobs}`; with `post_sampling_probs`
`{…, prob, top_probs}`; and until the end of 2024 `{content, probs: [{tok_str, prob}]}`, where the chosen token has no
number of its own. The server writes p = 0 as the lowest float, which counts as masked.
"""

from core.confidence import Token
from core.responses.entry import Alternatives, Names, read_token
from core.responses.expect import (
    MissingLogprobsError,
    expect_object,
    expect_tokens,
    find_count,
    find_ids,
    find_text,
)
from core.responses.reading import Completion, Reading

_NAMES = Names(("id",), "token")
_OLD_CHOSEN = Names(("id",), "content")
_OLD_LISTED = Names(("id",), "tok_str")

_LISTS = ("top_logprobs", "top_probs", "probs")

_ASK = 'ask for them with "n_probs": 20'


def read_completion(body: dict[str, object]) -> Reading:
    """Read `completion_probabilities`. With `n_probs` 0 the server omits it and sends an empty `tokens`.

    Raises:
        InvalidInputError: a field has the wrong type, or there are no probabilities.
        InvalidDistribution: a number is not a probability, or a list is not a distribution.
    """
    path = "completion_probabilities"
    rows = expect_tokens(body.get(path) or [], path)
    count, ids = find_count(body.get("tokens_predicted")), find_ids(body.get("tokens"))
    completion = Completion(find_text(body.get("content")), ids, count, ended=body.get("stop_type") != "limit")
    if not rows and (body.get(path) is None or completion.has_tokens):
        raise MissingLogprobsError(path, _ASK)
    return Reading([_read_row(row, f"{path}[{i}]") for i, row in enumerate(rows)], completion)


def _read_row(value: object, path: str) -> Token:
    row = expect_object(value, path)
    old = "token" not in row and "content" in row
    given = [key for key in _LISTS if row.get(key) is not None]
    key = next((key for key in given if row[key]), given[0] if given else _LISTS[0])
    names = _OLD_LISTED if old else _NAMES
    return read_token(row, path, _OLD_CHOSEN if old else _NAMES, Alternatives(row.get(key), f"{path}.{key}", names))
