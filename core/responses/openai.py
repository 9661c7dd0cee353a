"""Read chat completions and legacy completions of OpenAI and compatible servers.

Sources: OpenAI's API reference ("The chat completion object", "The completion object"); vLLM's page "OpenAI-Compatible
Server" and its serving_completion.py; llama.cpp's server README, whose /v1 endpoints add an `id` to each entry, which
Fireworks calls `token_id`. OpenAI sends `-9999.0` for very unlikely tokens: it means masked in a list, and unknown for
the chosen token.

Some servers send entries and parallel lists at once (Together, KoboldCpp), or split the entries into several lists
(`refusal`; DeepSeek's `reasoning_content`).
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import cast

from core.confidence import Token
from core.errors import InvalidInputError
from core.responses.entry import Alternatives, Names, read_token
from core.responses.expect import (
    Body,
    MissingLogprobsError,
    expect_first,
    expect_list,
    expect_object,
    expect_tokens,
    find_count,
    find_either,
    find_first,
    find_id,
    find_ids,
    find_index,
    find_object,
    find_text,
    list_objects,
    refuse_too_many,
)
from core.responses.merge import merge
from core.responses.parallel import is_parallel, read_parallel
from core.responses.reading import Completion, Form, Reading, has_ended, read_forms, warn_of_others
from core.responses.shape import Shape
from core.responses.summary import Summary

NAMES = Names(("id", "token_id"), "token")

ENTRY_LISTS = ("reasoning_content", "reasoning", "content", "refusal")
"""Keys of the lists of entries, in the order in which the model generates them."""

_FIRST = ("id", "created", "model")
"""Fields that the clients take from the first chunk."""

_PARALLEL = ("token_logprobs", "top_logprobs", "text_offset", "token_ids")
"""Lists of legacy completions with one entry per token."""

_KNOWN = (*ENTRY_LISTS, "tokens", "token_logprobs", "top_logprobs")

_ASK = (
    'ask for them with "logprobs": true and "top_logprobs": 20 (chat completions) or "logprobs": 5 (legacy completions)'
)


def _read(body: Body) -> Reading:
    """Read the first choice. With n > 1, the others must be sent separately."""
    choice = expect_first(body["choices"], "choices")
    usage = find_object(body.get("usage")) if len(expect_list(body["choices"], "choices")) == 1 else {}
    reading = _read_choice(choice, "choices[0].logprobs", usage)
    return replace(reading, warnings=(*reading.warnings, *warn_of_others(body["choices"], "choices")))


def read_bare_choice(body: Body) -> Reading:
    """Read a single choice, as dumped by the official clients, or the logprobs of one.

    Raises:
        InvalidInputError: a field has the wrong type, or there are no logprobs.
        InvalidDistribution: a number is not a probability, or a list is not a distribution.
    """
    if isinstance(body.get("logprobs"), dict):
        return _read_choice(body, "logprobs", find_object(body.get("usage")))
    return _read_choice({"logprobs": body}, "", {})


def _read_choice(choice: Body, path: str, usage: Body) -> Reading:
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
    if is_parallel(logprobs):
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


def _read_lists(logprobs: Body, ids: list[int] | None, path: str) -> Reading:
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


def _find_completion(choice: Body, logprobs: Body, usage: Body, tokens: int) -> Completion:
    details = find_object(usage.get("completion_tokens_details"))
    count, hidden = find_count(usage.get("completion_tokens")), find_count(details.get("reasoning_tokens")) or 0
    if count is not None and tokens <= count - hidden:  # most servers send no logprobs for reasoning
        count -= hidden
    return Completion(
        text=_find_text(choice, logprobs),
        ids=find_ids(logprobs.get("token_ids")) or find_ids(choice.get("token_ids")),
        count=count,
        ended=has_ended(find_text(choice.get("finish_reason"))),
    )


def _find_text(choice: Body, logprobs: Body) -> str | None:
    """Return the text of the answer, or None if some tokens may be hidden reasoning or tool calls."""
    if _has_own_text(choice):
        return find_text(choice["text"])
    message = find_object(choice.get("message"))
    if message.get("tool_calls") or message.get("function_call"):
        return None
    reasoning = find_text(message.get("reasoning_content")) or find_text(message.get("reasoning"))
    if reasoning and not (logprobs.get("reasoning_content") or logprobs.get("reasoning")):
        return None
    texts = [reasoning, join_parts(message.get("content")), find_text(message.get("refusal"))]
    return None if texts == [None] * 3 else "".join(text for text in texts if text)


def _has_own_text(choice: Body) -> bool:
    """Return whether the answer is in `text`, as in legacy completions, and not in a message."""
    return bool(choice.get("text")) or ("text" in choice and "message" not in choice)


def join_parts(content: object) -> str | None:
    """Return the text of a content, which is a string or a list of parts with a text each."""
    if not isinstance(content, list):
        return find_text(content)
    return "".join(find_text(find_object(part).get("text")) or "" for part in content)


def _summarize(body: Body) -> Summary:
    usage = find_object(body.get("usage"))
    return replace(
        summarize_choice(find_first(body.get("choices"))),
        request_id=find_id(body.get("id")),
        model=find_text(body.get("model")),
        prompt_tokens=find_count(usage.get("prompt_tokens")),
        generated_tokens=find_count(usage.get("completion_tokens")),
        total_tokens=find_count(usage.get("total_tokens")),
        began=body.get("created"),
    )


def summarize_choice(choice: Body) -> Summary:
    """Read the facts of a single choice."""
    message = find_object(choice.get("message"))
    text = find_text(choice["text"]) if _has_own_text(choice) else join_parts(message.get("content"))
    refusal = find_text(message.get("refusal"))
    return Summary(text=text or refusal or text, finish_reason=find_text(choice.get("finish_reason")))


def _join(chunks: Sequence[Body]) -> Body:
    """Join chunks of chat completions (`delta`) and legacy completions (`text`)."""
    whole: Body = {}
    choices: dict[int, Body] = {}
    for chunk in chunks:
        given = {name: value for name, value in chunk.items() if value and name != "choices"}
        whole |= {name: value for name, value in given.items() if name not in whole or name not in _FIRST}
        for part in list_objects(chunk.get("choices")):
            choice = choices.setdefault(find_index(part), {})
            named = {"message" if name == "delta" else name: value for name, value in part.items()}
            if "delta" in part:
                named.pop("text", None)  # Together's chunks have the text twice
            merge(choice, {**named, "logprobs": _read_chunk_logprobs(part)} if "logprobs" in part else named)
    for choice in choices.values():
        if choice.get("finish_reason", "") is None:  # the stream was truncated
            del choice["finish_reason"]
    kind = (find_text(whole.get("object")) or "").removesuffix(".chunk")
    return {**whole, "object": kind, "choices": [choices[index] for index in sorted(choices)]}


def _read_chunk_logprobs(part: Body) -> object:
    """Return the logprobs of a chunk as a complete response has them.

    A missing list of a legacy chunk becomes one null per token, so that the lists of all chunks stay parallel. Together
    sends a single number, whose token is in the delta.
    """
    logprobs = part["logprobs"]
    if type(logprobs) in (int, float):
        delta = find_object(part.get("delta"))
        text = next((text for text in map(delta.get, ("content", "reasoning", "text")) if text), part.get("text"))
        return {"content": [{"token": text or "", "token_id": delta.get("token_id"), "logprob": logprobs}]}
    fields = find_object(logprobs)
    tokens = fields.get("tokens")
    if not isinstance(tokens, list):
        return logprobs
    count = len(cast("list[object]", tokens))
    return {**fields, **{name: [None] * count for name in _PARALLEL if fields.get(name) is None and name in fields}}


def _find_chunk(body: Body) -> str | None:
    choice, kind = find_first(body.get("choices")), str(body.get("object", ""))
    # OpenInference joins the chunks of a stream and keeps their `object`.
    is_delta = choice.get("delta") is not None or (kind.endswith(".chunk") and "message" not in choice)
    if is_delta or (body.get("choices") == [] and body.get("object") == ""):  # Azure's first chunk
        return "choices"
    is_unfinished = "text" in choice and choice.get("finish_reason", "") is None and not body.get("usage")
    return "choices[0].finish_reason" if is_unfinished else None


CHOICES = Shape(
    source="openai",
    key="choices",
    signs=frozenset({"choices"}),
    read=_read,
    summarize=_summarize,
    find_chunk=_find_chunk,
    is_chunk=lambda body: "choices" in body,
    join=_join,
)
