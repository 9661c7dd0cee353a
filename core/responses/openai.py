"""Read chat completions and legacy completions of OpenAI and compatible servers.

Sources: OpenAI's API reference ("The chat completion object", "The completion object"); vLLM's page "OpenAI-Compatible
Server" and its serving_completion.py; llama.cpp's server README, whose /v1 endpoints add an `id` to each entry, which
Fireworks calls `token_id`. OpenAI sends `-9999.0` for very unlikely tokens: it means masked in a list, and unknown for
the chosen token.

Some servers send entries and parallel lists at once (Together, KoboldCpp), or split the entries into several lists
(`refusal`; DeepSeek's `reasoning_content`).
"""

from dataclasses import replace
from functools import partial

from core.confidence import Token
from core.errors import InvalidInputError
from core.responses.entry import Alternatives, Names, read_token
from core.responses.expect import (
    MissingLogprobsError,
    expect_first,
    expect_list,
    expect_object,
    expect_tokens,
    find_count,
    find_either,
    find_ids,
    find_object,
    find_text,
    refuse_too_many,
)
from core.responses.parallel import read_parallel
from core.responses.reading import Completion, Form, Reading, read_forms, warn_of_others

NAMES = Names(("id", "token_id"), "token")

ENTRY_LISTS = ("reasoning_content", "reasoning", "content", "refusal")
"""Keys of the lists of entries, in the order in which the model generates them."""

_KNOWN = (*ENTRY_LISTS, "tokens", "token_logprobs", "top_logprobs")

_ASK = (
    'ask for them with "logprobs": true and "top_logprobs": 20 (chat completions) or "logprobs": 5 (legacy completions)'
)


def read_choices(body: dict[str, object]) -> Reading:
    """Read the first choice. With n > 1, the others must be sent separately.

    Raises:
        InvalidInputError: a field has the wrong type, or there are no logprobs.
        InvalidDistribution: a number is not a probability, or a list is not a distribution.
    """
    choice = expect_first(body["choices"], "choices")
    usage = find_object(body.get("usage")) if len(expect_list(body["choices"], "choices")) == 1 else {}
    reading = _read_choice(choice, "choices[0].logprobs", usage)
    return replace(reading, warnings=(*reading.warnings, *warn_of_others(body["choices"], "choices")))


def read_bare_choice(body: dict[str, object]) -> Reading:
    """Read a single choice, as dumped by the official clients, or the logprobs of one.

    Raises:
        InvalidInputError: a field has the wrong type, or there are no logprobs.
        InvalidDistribution: a number is not a probability, or a list is not a distribution.
    """
    if isinstance(body.get("logprobs"), dict):
        return _read_choice(body, "logprobs", find_object(body.get("usage")))
    return _read_choice({"logprobs": body}, "", {})


def _read_choice(choice: dict[str, object], path: str, usage: dict[str, object]) -> Reading:
    found = choice.get("logprobs")
    if found is None:
        raise MissingLogprobsError(path, _ASK)
    if isinstance(found, list):
        found = {"content": found}
    logprobs = expect_object(found, path)
    ids = find_ids(logprobs.get("token_ids")) or find_ids(choice.get("token_ids"))
    forms: list[Form] = []
    if any(logprobs.get(key) is not None for key in ENTRY_LISTS):
        forms.append((path, partial(_read_lists, logprobs, ids, path)))
    if logprobs.get("token_logprobs") is not None:
        forms.append((f"{path}.token_logprobs", partial(read_parallel, logprobs, ids, path)))
    if not forms and logprobs and logprobs.keys().isdisjoint(_KNOWN):
        raise InvalidInputError(f"{path}: has neither content nor token_logprobs; send one of them")
    if not forms:
        raise MissingLogprobsError(path, _ASK)
    reading = read_forms(forms)
    completion = _find_completion(choice, logprobs, usage, len(reading.tokens))
    if not reading.tokens and completion.has_tokens:
        raise MissingLogprobsError(path, _ASK)
    return Reading(reading.tokens, completion, reading.warnings)


def _read_lists(logprobs: dict[str, object], ids: list[int] | None, path: str) -> Reading:
    given = [key for key in ENTRY_LISTS if logprobs.get(key) is not None]
    lists = [key for key in given if isinstance(logprobs[key], list)] or given
    named = {key: f"{path}.{key}" if path else key for key in given}
    rows = [
        (row, f"{named[key]}[{i}]") for key in lists for i, row in enumerate(expect_list(logprobs[key], named[key]))
    ]
    refuse_too_many(len(rows), named[lists[0]])
    found = ids if ids is not None and len(ids) == len(rows) else [None] * len(rows)
    tokens = [_read_entry(row, token, at) for (row, at), token in zip(rows, found, strict=True)]
    odd = tuple(f"{named[key]} is ignored: it is not a list of tokens" for key in given if key not in lists)
    return Reading(tokens, warnings=odd)


def read_entries(value: object, path: str) -> list[Token]:
    """Read a list of `{token, logprob, bytes, top_logprobs}`, a format that other servers also use.

    Raises:
        InvalidInputError: a field has the wrong type.
        InvalidDistribution: a number is not a probability, or a list is not a distribution.
    """
    return [_read_entry(row, None, f"{path}[{i}]") for i, row in enumerate(expect_tokens(value, path))]


def _read_entry(value: object, token: int | None, path: str) -> Token:
    row = expect_object(value, path)
    top = Alternatives(find_either(row, "topLogprobs"), f"{path}.top_logprobs", NAMES)
    return read_token(row if token is None else {"id": token} | row, path, NAMES, top)


def _find_completion(
    choice: dict[str, object], logprobs: dict[str, object], usage: dict[str, object], tokens: int
) -> Completion:
    details = find_object(usage.get("completion_tokens_details"))
    count, hidden = find_count(usage.get("completion_tokens")), find_count(details.get("reasoning_tokens")) or 0
    if count is not None and tokens <= count - hidden:  # most servers send no logprobs for reasoning
        count -= hidden
    return Completion(
        text=_find_text(choice, logprobs),
        ids=find_ids(logprobs.get("token_ids")) or find_ids(choice.get("token_ids")),
        count=count,
        ended=choice.get("finish_reason") != "length",
    )


def _find_text(choice: dict[str, object], logprobs: dict[str, object]) -> str | None:
    """Return the text of the answer, or None if some tokens may be hidden reasoning or tool calls."""
    if "text" in choice:
        return find_text(choice["text"])
    message = find_object(choice.get("message"))
    if message.get("tool_calls") or message.get("function_call"):
        return None
    reasoning = find_text(message.get("reasoning_content")) or find_text(message.get("reasoning"))
    if reasoning and not (logprobs.get("reasoning_content") or logprobs.get("reasoning")):
        return None
    texts = [reasoning, join_parts(message.get("content")), find_text(message.get("refusal"))]
    return None if texts == [None] * 3 else "".join(text for text in texts if text)


def join_parts(content: object) -> str | None:
    """Return the text of a content, which is a string or a list of parts with a text each."""
    if not isinstance(content, list):
        return find_text(content)
    return "".join(find_text(find_object(part).get("text")) or "" for part in content)
