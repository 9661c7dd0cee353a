"""Use the request, if known, to separate the answer from other parts of a response."""

from dataclasses import dataclass, replace
from itertools import accumulate

import msgspec

from core.confidence import Token, reconcile_list
from core.responses.expect import Body, find_count, find_either, find_list, find_object, find_text
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


def find_settings(request: Body, body: Body) -> RequestSettings:
    """Read the settings from the request, or from the copy of them in the response."""
    sources = [request, *(find_object(find_either(request, name)) for name in _NESTED)]
    sources.append(find_object(body.get("generation_settings")))  # llama.cpp
    stop = next((found for source in sources for name in _STOPS if (found := find_either(source, name))), None)
    stops = stop if isinstance(stop, list) else [stop]
    return RequestSettings(
        k=_find_k([*sources, body if "output" in body else {}]),
        prompt=find_prompt_text(request),
        echo=any(source.get(name) is True for source in sources for name in _ECHOES),
        stop=tuple(word for word in stops if isinstance(word, str) and word),
    )


def find_prompt_text(request: Body) -> str | None:
    """Return the prompt that `echo` repeats; None if it is not a single text."""
    prompt = request.get("inputs") if request.get("prompt") is None else request["prompt"]
    prompts = find_list(prompt)
    return find_text(prompts[0] if len(prompts) == 1 else prompt)


_NESTED = ("parameters", "generationConfig", "options", "sampling_params", "extra_body")
_STOPS = ("stop", "stopSequences")
_ECHOES = ("echo", "return_full_text")
_COUNTS = ("top_logprobs", "top_logprobs_num", "top_n_tokens", "n_probs", "logprobs")
"""Names for the number of alternatives. `logprobs` is a number in legacy completions and a flag in chats."""


def _find_k(sources: list[Body]) -> int | None:
    counts = (find_count(source.get(name)) for source in sources for name in _COUNTS)
    return next((count for count in counts if count is not None), None)


def cut_echo(reading: Reading, settings: RequestSettings) -> Reading:
    """Drop the prompt, which `echo` puts before the answer, from the tokens and the text."""
    if not settings.echo:
        return reading
    completion, tokens = reading.completion, reading.tokens
    count = _count_echoed(reading, settings.prompt)
    echoed = "".join(token.text or "" for token in tokens[: count or 0])
    completion = replace(completion, text=_cut(completion.text, echoed, settings.prompt))
    if count is None:
        warning = "echo: can't separate the prompt's tokens from the answer's; all of them are scored"
        return replace(reading, completion=completion, warnings=(*reading.warnings, warning))
    special = frozenset(i - count for i in completion.special if i >= count)
    ids, answer_length = completion.ids, len(tokens) - count
    if ids and len(ids) >= len(tokens) > count:
        ids = ids[-answer_length:]
    return replace(reading, tokens=tokens[count:], completion=replace(completion, ids=ids, special=special))


def _cut(text: str | None, *beginnings: str | None) -> str | None:
    """Return a text without the first of the beginnings that it has."""
    return text and text.removeprefix(next((one for one in beginnings if one and text.startswith(one)), ""))


def _count_echoed(reading: Reading, prompt: str | None) -> int | None:
    """Count the prompt's tokens by their texts, which may follow a start token, otherwise by the usage."""
    texts, text, count = [token.text for token in reading.tokens], reading.completion.text, reading.completion.count
    if prompt is not None and None not in texts:
        whole = prompt if text is None else text
        start = "".join(one or "" for one in texts).find(whole) if whole.startswith(prompt) else -1
        if start >= 0:
            begins = accumulate((len(one or "") for one in texts), initial=0)
            return sum(begin < start + len(prompt) for begin, _ in zip(begins, texts, strict=False))
    if count is not None and count <= len(texts):
        return len(texts) - count
    return None if prompt is None or text is None or text.startswith(prompt) else 0


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
