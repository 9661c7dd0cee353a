"""Responses of OpenAI and of those who speak as it does: chat completions, legacy completions, the responses API.

Sources: OpenAI's API reference ("The chat completion object", "The completion object", "The response object"); vLLM's
page "OpenAI-Compatible Server" and its serving_completion.py; llama.cpp's server README, whose /v1 endpoints add an
`id` to each entry. `-9999.0` is theirs for "very unlikely": masked in a list, unknown for the token that was chosen.
"""

from core.confidence import Distribution, Token, read_chosen_logprob, read_distribution, read_logprob
from core.errors import InvalidInputError
from core.responses.entry import Alternatives, Names, read_alternatives, read_token, split_token_id
from core.responses.expect import (
    MissingLogprobsError,
    expect_first,
    expect_id,
    expect_list,
    expect_object,
    expect_parallel,
    expect_text,
    expect_tokens,
    refuse_too_many,
)

_NAMES = Names("id", "token")

_ASK_CHOICES = (
    'ask for them with "logprobs": true and "top_logprobs": 20 (chat completions) or "logprobs": 5 (legacy completions)'
)
_ASK_OUTPUT = 'ask for them with "include": ["message.output_text.logprobs"] and "top_logprobs": 20'


def read_choices(body: dict[str, object]) -> list[Token]:
    """Reads the first choice of a chat or legacy completion; with n > 1 the others have to be sent on their own.

    Raises:
        InvalidInputError: a field is of the wrong type, it is one chunk of a stream, or there are no logprobs.
        InvalidDistribution: a number is no probability, or a list no distribution.
    """
    choice = expect_first(body["choices"], "choices")
    if "delta" in choice or body.get("object") == "chat.completion.chunk":
        raise InvalidInputError('choices: this is one chunk of a stream; ask for the whole with "stream": false')
    place = "choices[0].logprobs"
    if choice.get("logprobs") is None:
        raise MissingLogprobsError(place, _ASK_CHOICES)
    logprobs = expect_object(choice["logprobs"], place)
    ids = logprobs.get("token_ids") or choice.get("token_ids")
    if logprobs.get("token_logprobs") is not None:
        return _read_legacy(logprobs, ids, place)
    for key in ("content", "refusal"):  # a model that refuses answers with a refusal instead of content
        if logprobs.get(key) is not None:
            return _read_entries(expect_tokens(logprobs[key], f"{place}.{key}"), ids, f"{place}.{key}")
    raise MissingLogprobsError(place, _ASK_CHOICES)


def read_output(body: dict[str, object]) -> list[Token]:
    """Reads the responses API: the logprobs of all text parts of all messages, in order.

    Raises:
        InvalidInputError: a field is of the wrong type, or there are no logprobs.
        InvalidDistribution: a number is no probability, or a list no distribution.
    """
    tokens: list[Token] = []
    for i, value in enumerate(expect_list(body["output"], "output")):
        parts = expect_object(value, f"output[{i}]").get("content")  # null or absent on calls of tools
        for j, part in enumerate([] if parts is None else expect_list(parts, f"output[{i}].content")):
            tokens += _read_part(part, f"output[{i}].content[{j}]", len(tokens))
    if not tokens:  # unasked, the server sends empty lists
        raise MissingLogprobsError("output", _ASK_OUTPUT)
    return tokens


def _read_part(value: object, place: str, before: int) -> list[Token]:
    logprobs = expect_object(value, place).get("logprobs")
    if logprobs is None:
        return []
    rows = expect_list(logprobs, f"{place}.logprobs")
    refuse_too_many(before + len(rows), f"{place}.logprobs")
    return _read_entries(rows, None, f"{place}.logprobs")


def read_logprobs(value: object, place: str) -> list[Token]:
    """A list of `{token, logprob, bytes, top_logprobs}`, which others have taken over.

    Raises:
        InvalidInputError: a field is of the wrong type.
        InvalidDistribution: a number is no probability, or a list no distribution.
    """
    return _read_entries(expect_tokens(value, place), None, place)


def _read_entries(rows: list[object], ids: object, place: str) -> list[Token]:
    named = zip(rows, _read_ids(ids, len(rows)), strict=True)
    return [_read_entry(row, token, f"{place}[{i}]") for i, (row, token) in enumerate(named)]


def _read_entry(value: object, token: object, place: str) -> Token:
    row = expect_object(value, place)
    top = Alternatives(row.get("top_logprobs"), f"{place}.top_logprobs", _NAMES)
    return read_token({"id": token} | row, place, _NAMES, top)


def _read_ids(value: object, count: int) -> list[object]:
    """The ids that vLLM adds under `return_token_ids`: used only if there is one per token, as `echo` adds more."""
    return value if isinstance(value, list) and len(value) == count else [None] * count


def _read_legacy(logprobs: dict[str, object], ids: object, place: str) -> list[Token]:
    """Reads `{tokens, token_logprobs, top_logprobs: [{text: logprob}]}`; an echoed first token has only nulls."""
    numbers = expect_tokens(logprobs["token_logprobs"], f"{place}.token_logprobs")
    texts = expect_parallel(logprobs.get("tokens"), len(numbers), f"{place}.tokens")
    lists = expect_parallel(logprobs.get("top_logprobs"), len(numbers), f"{place}.top_logprobs")
    tokens: list[Token] = []
    for i, (number, text, given) in enumerate(zip(numbers, texts, _read_ids(ids, len(numbers)), strict=True)):
        name = f"{place}.tokens[{i}]"
        token, shown = split_token_id(expect_text(text, name), name)
        logprob = read_chosen_logprob(number, f"{place}.token_logprobs[{i}]")
        top = _read_legacy_list(lists[i], f"{place}.top_logprobs[{i}]")
        token = expect_id(given, f"choices[0].token_ids[{i}]") if token is None else token
        tokens.append(Token(token, shown, logprob, distribution=top))
    return tokens


def _read_legacy_list(value: object, place: str) -> Distribution | None:
    """An object of text and logprob; some servers send the list of the chat form in its place."""
    if value is None or isinstance(value, list):
        return read_alternatives(Alternatives(value, place, _NAMES))
    entries: list[dict[str, object]] = []
    for text, number in expect_object(value, place).items():
        name = f"{place}[{text[:40]!a}]"
        token, shown = split_token_id(text, name)
        entries.append({"token": token, "text": shown, "logprob": read_logprob(number, name)})
    return read_distribution(entries, place)
