"""Read responses of Hugging Face's Text Generation Inference: /generate, and /, which wraps the body in a list.

Source: TGI's docs/openapi.json, schemas `GenerateResponse`, `Details` and `Token` ({id, text, logprob, special}).
`top_tokens` has one list per token, and is null without `top_n_tokens`.
"""

from core.confidence import Token
from core.responses.entry import Alternatives, Names, read_token
from core.responses.expect import (
    MissingLogprobsError,
    expect_object,
    expect_parallel,
    expect_tokens,
    find_count,
    find_list,
    find_object,
    find_text,
)
from core.responses.reading import Completion, Reading

_NAMES = Names(("id",), "text")

_ASK = 'ask for them with "parameters": {"details": true, "top_n_tokens": 5}'


def read_details(body: dict[str, object]) -> Reading:
    """Read `details.tokens` and `details.top_tokens`. The prefill and `best_of_sequences` are not read.

    Raises:
        InvalidInputError: a field has the wrong type, or there are no details.
        InvalidDistribution: a number is not a probability, or a list is not a distribution.
    """
    if body.get("details") is None:
        raise MissingLogprobsError("details", _ASK)
    details = expect_object(body["details"], "details")
    if details.get("tokens") is None:
        raise MissingLogprobsError("details.tokens", _ASK)
    rows = expect_tokens(details["tokens"], "details.tokens")
    lists = expect_parallel(details.get("top_tokens"), len(rows), "details.top_tokens")
    completion = Completion(
        text=find_text(body.get("generated_text")),
        count=find_count(details.get("generated_tokens")),
        ended=details.get("finish_reason") != "length",
        special=frozenset(i for i, row in enumerate(rows) if find_object(row).get("special") is True),
    )
    if not rows and completion.has_tokens:
        raise MissingLogprobsError("details.tokens", _ASK)
    others = find_list(details.get("best_of_sequences"))
    ignored = f"details.best_of_sequences: {len(others)} other answers are ignored; the server chose this one"
    tokens = [_read_row(row, lists[i], i) for i, row in enumerate(rows)]
    return Reading(tokens, completion, (ignored,) if others else ())


def _read_row(value: object, entries: object, index: int) -> Token:
    path, top_path = f"details.tokens[{index}]", f"details.top_tokens[{index}]"
    return read_token(expect_object(value, path), path, _NAMES, Alternatives(entries, top_path, _NAMES))
