"""What was asked of the server, where the request is known: it tells what in a response is not the answer."""

from dataclasses import dataclass, replace

import msgspec

from core.confidence import Token, settle_list
from core.responses.expect import find_count, find_object, find_text
from core.responses.reading import Reading


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request says; None where it does not.

    Attributes:
        k: how many alternatives of each token.
        prompt: the text that the answer continues, where `echo` puts it in front of the answer.
        echo: whether it does.
        stop: the words that end the answer, which a server leaves out of its text.
    """

    k: int | None = None
    prompt: str | None = None
    echo: bool = False
    stop: tuple[str, ...] = ()


def find_asked(request: dict[str, object], body: dict[str, object]) -> Asked:
    """What is known of the request: from itself, or from what the server repeats of it."""
    settings = find_object(body.get("generation_settings"))  # llama.cpp
    nested = [
        find_object(request.get(key)) for key in ("parameters", "generationConfig", "generation_config", "options")
    ]
    places = [request, *nested, settings]
    stop = next((place["stop"] for place in places if place.get("stop")), None)
    stops = stop if isinstance(stop, list) else [stop]
    return Asked(
        k=_find_k([*places, body if "output" in body else {}]),
        prompt=find_text(request.get("prompt")),
        echo=request.get("echo") is True,
        stop=tuple(word for word in stops if isinstance(word, str) and word),
    )


_COUNTS = ("top_logprobs", "top_logprobs_num", "top_n_tokens", "n_probs", "logprobs")
"""What servers call the number of alternatives. `logprobs` is one of legacy completions, and a flag of chats."""


def _find_k(places: list[dict[str, object]]) -> int | None:
    counts = (find_count(place.get(name)) for place in places for name in _COUNTS)
    return next((count for count in counts if count is not None), None)


def cut_echo(reading: Reading, asked: Asked) -> Reading:
    """Drop the tokens of the prompt, which `echo` puts before those of the answer."""
    if not asked.echo:
        return reading
    said, tokens = reading.said, reading.tokens
    text = said.text.removeprefix(asked.prompt or "") if said.text is not None else None
    count = _count_echoed(reading, asked)
    if count is None:
        warning = "echo: the tokens of the prompt cannot be told from those of the answer, and are scored with them"
        return replace(reading, warnings=(*reading.warnings, warning))
    special = frozenset(i - count for i in said.special if i >= count)
    ids = said.ids[-(len(tokens) - count) :] if said.ids and len(said.ids) >= len(tokens) > count else said.ids
    return replace(reading, tokens=tokens[count:], said=replace(said, text=text, ids=ids, special=special))


def _count_echoed(reading: Reading, asked: Asked) -> int | None:
    count, length = reading.said.count, 0
    if count is not None and count <= len(reading.tokens):
        return len(reading.tokens) - count
    for i, token in enumerate(reading.tokens):
        if asked.prompt is None or token.text is None or not asked.prompt.startswith(token.text, length):
            return None
        length += len(token.text)
        if length >= len(asked.prompt):
            return i + 1
    return None


def trim_list(token: Token, asked: Asked) -> Token:
    """The token with a list as long as was asked for: servers append the chosen token where it is further down."""
    listed = token.distribution
    if asked.k is None or listed is None or listed.k != asked.k + 1:
        return token
    _, position = settle_list(token, token.logprob)
    if position is None or position < asked.k:
        return token
    logprob = listed.logprobs[position] if token.logprob is None else token.logprob
    return msgspec.structs.replace(token, logprob=logprob, distribution=listed.drop(position))
