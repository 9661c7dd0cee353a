"""Read the parallel lists of tokens, log-probabilities and alternatives in legacy completions.

Source: OpenAI's API reference, "The completion object": `{tokens, token_logprobs, top_logprobs: [{text: logprob}]}`.
mlx_lm's server (see its SERVER.md) sends ids instead of texts, and `[id, logprob]` pairs instead of the object.
"""

from core.confidence import Distribution, Token, read_chosen_logprob, read_distribution, read_logprob
from core.responses.entry import Alternatives, Names, read_alternatives, split_token_id
from core.responses.expect import expect_id, expect_object, expect_parallel, expect_text, expect_tokens
from core.responses.reading import Reading

_NAMES = Names(("id", "token_id"), "token")

_PAIR = 2


_LISTS = ("token_logprobs", "top_logprobs", "tokens")


def is_parallel(logprobs: dict[str, object]) -> bool:
    """Return whether there are parallel lists with numbers. Some servers send only those of the alternatives."""
    tops, texts = logprobs.get("top_logprobs"), logprobs.get("tokens")
    if logprobs.get("token_logprobs") is not None:
        return True
    return isinstance(tops, list) and any(tops) and (not isinstance(texts, list) or len(texts) == len(tops))


def read_parallel(logprobs: dict[str, object], ids: list[int] | None, path: str) -> Reading:
    """Read the parallel lists. If `echo` is set, the first token has only nulls.

    Args:
        logprobs: the object that holds the lists.
        ids: the ids that vLLM adds with `return_token_ids`. Used only if there is one per token, because `echo` adds
            tokens.
        path: location of the object.

    Raises:
        InvalidInputError: a field has the wrong type, or the lists differ in length.
        InvalidDistribution: a number is not a probability, or a list is not a distribution.
    """
    dot = f"{path}." if path else ""
    named = next(name for name in _LISTS if logprobs.get(name) is not None)
    count = len(expect_tokens(logprobs[named], f"{dot}{named}"))
    numbers, lists, texts = (expect_parallel(logprobs.get(name), count, f"{dot}{name}") for name in _LISTS)
    given = ids if ids is not None and len(ids) == count else [None] * count
    tokens: list[Token] = []
    for i, (number, name) in enumerate(zip(numbers, texts, strict=True)):
        token, text = _read_name(name, f"{dot}tokens[{i}]")
        logprob = read_chosen_logprob(number, f"{dot}token_logprobs[{i}]")
        top = _read_list(lists[i], f"{dot}top_logprobs[{i}]", has_ids=type(name) is int)
        token = expect_id(given[i], f"{dot}token_ids[{i}]") if token is None else token
        tokens.append(Token(token, text, logprob, distribution=top))
    return Reading(tokens)


def _read_name(name: object, path: str) -> tuple[int | None, str | None]:
    if type(name) is int:
        return expect_id(name, path), None
    return split_token_id(expect_text(name, path), path)


def _read_list(value: object, path: str, *, has_ids: bool) -> Distribution | None:
    """Read an object {name: logprob}. Some servers send [name, logprob] pairs or a list of chat entries instead."""
    if value is None:
        return None
    if isinstance(value, list) and not all(isinstance(one, list) and len(one) == _PAIR for one in value):
        return read_alternatives(Alternatives(value, path, _NAMES))
    pairs = value if isinstance(value, list) else expect_object(value, path).items()
    entries: list[dict[str, object]] = []
    for name, number in pairs:
        at = f"{path}[{str(name)[:40]!a}]"
        is_id = has_ids and isinstance(name, str) and name.isdecimal() and len(name) < len("9999999999")
        token, text = _read_name(int(name) if is_id else name, at)
        entries.append({"token": token, "text": text, "logprob": read_logprob(number, at)})
    return read_distribution(entries, path)
