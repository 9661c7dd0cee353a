"""Use the request, if known, to separate the answer from other parts of a response."""

from dataclasses import dataclass, replace

import msgspec

from core.confidence import Token, reconcile_list
from core.responses.expect import find_count, find_object, find_text
from core.responses.reading import Reading


@dataclass(frozen=True, slots=True)
class RequestSettings:
    """The relevant settings of a request. None if unknown.

    Attributes:
        k: number of alternatives per token.
        prompt: the prompt, which `echo` puts in front of the answer.
        echo: whether the response repeats the prompt.
        stop: stop words, which the server omits from the text.
    """

    k: int | None = None
    prompt: str | None = None
    echo: bool = False
    stop: tuple[str, ...] = ()


def find_settings(request: dict[str, object], body: dict[str, object]) -> RequestSettings:
    """Read the settings from the request, or from the copy of them in the response."""
    settings = find_object(body.get("generation_settings"))  # llama.cpp
    nested = [
        find_object(request.get(key)) for key in ("parameters", "generationConfig", "generation_config", "options")
    ]
    sources = [request, *nested, settings]
    stop = next((source["stop"] for source in sources if source.get("stop")), None)
    stops = stop if isinstance(stop, list) else [stop]
    return RequestSettings(
        k=_find_k([*sources, body if "output" in body else {}]),
        prompt=find_text(request.get("prompt")),
        echo=request.get("echo") is True,
        stop=tuple(word for word in stops if isinstance(word, str) and word),
    )


_COUNTS = ("top_logprobs", "top_logprobs_num", "top_n_tokens", "n_probs", "logprobs")
"""Names for the number of alternatives. `logprobs` is a number in legacy completions and a flag in chats."""


def _find_k(sources: list[dict[str, object]]) -> int | None:
    counts = (find_count(source.get(name)) for source in sources for name in _COUNTS)
    return next((count for count in counts if count is not None), None)


def cut_echo(reading: Reading, settings: RequestSettings) -> Reading:
    """Drop the prompt's tokens, which `echo` puts before the answer's tokens."""
    if not settings.echo:
        return reading
    completion, tokens = reading.completion, reading.tokens
    text = completion.text.removeprefix(settings.prompt or "") if completion.text is not None else None
    count = _count_echoed(reading, settings)
    if count is None:
        warning = "echo: can't separate the prompt's tokens from the answer's; all of them are scored"
        return replace(reading, warnings=(*reading.warnings, warning))
    special = frozenset(i - count for i in completion.special if i >= count)
    ids, answer_length = completion.ids, len(tokens) - count
    if ids and len(ids) >= len(tokens) > count:
        ids = ids[-answer_length:]
    return replace(reading, tokens=tokens[count:], completion=replace(completion, text=text, ids=ids, special=special))


def _count_echoed(reading: Reading, settings: RequestSettings) -> int | None:
    count, length = reading.completion.count, 0
    if count is not None and count <= len(reading.tokens):
        return len(reading.tokens) - count
    for i, token in enumerate(reading.tokens):
        if settings.prompt is None or token.text is None or not settings.prompt.startswith(token.text, length):
            return None
        length += len(token.text)
        if length >= len(settings.prompt):
            return i + 1
    return None


def trim_list(token: Token, settings: RequestSettings) -> Token:
    """Drop a chosen token that the server appended to the requested k alternatives."""
    listed = token.distribution
    if settings.k is None or listed is None or listed.k != settings.k + 1:
        return token
    _, position = reconcile_list(token, token.logprob)
    if position is None or position < settings.k or listed.find(token.token, token.text) is None:
        return token
    logprob = listed.logprobs[position] if token.logprob is None else token.logprob
    return msgspec.structs.replace(token, logprob=logprob, distribution=listed.drop(position))
