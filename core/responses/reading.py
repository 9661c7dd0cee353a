"""The result of reading a response: its tokens, and other information about the answer."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import msgspec

from core.confidence import InvalidDistribution, Token
from core.errors import InvalidInputError
from core.responses.expect import MissingLogprobsError, expect_tokens
from core.responses.summary import Summary

_LIMITS = ("length", "limit", "max_tokens", "MAX_TOKENS")
"""Suffixes of the finish reason, on any server, of an answer that reached its maximum length."""


@dataclass(frozen=True, slots=True)
class Completion:
    """Information about the answer other than the log-probabilities. None if the response doesn't contain it.

    Attributes:
        text: the answer. Also None if it is not the text of all tokens, for example because of tool calls.
        ids: token ids of the answer.
        count: number of tokens generated.
        ended: whether the model ended the answer. There may then be an end token that the response doesn't show.
        special: positions of tokens that the server omits from the text.
    """

    text: str | None = None
    ids: Sequence[int] | None = None
    count: int | None = None
    ended: bool = True
    special: frozenset[int] = frozenset()

    @property
    def has_tokens(self) -> bool:
        """Whether tokens other than an end token were generated, so that an empty token list is incomplete."""
        return bool(self.text or self.ids or (self.count or 0) > 1)


@dataclass(frozen=True, slots=True)
class Reading:
    """The tokens of a response in order, other information about the answer, and warnings, one sentence each."""

    tokens: list[Token]
    completion: Completion = field(default_factory=Completion)
    warnings: tuple[str, ...] = ()


def complete(facts: Summary, *, ids: Sequence[int] | None = None, special: frozenset[int] = frozenset()) -> Completion:
    """Return the completion that the facts of a response describe."""
    return Completion(facts.text, ids, facts.generated_tokens, has_ended(facts.finish_reason), special)


def has_ended(finish_reason: str | None) -> bool:
    """Return whether the model ended its answer, which did not reach a maximum length."""
    return not (finish_reason or "").endswith(_LIMITS)


def require_rows(value: object, path: str, ask: str, completion: Completion) -> list[object]:
    """Return the list with one item per token.

    Args:
        value: the list as received.
        path: its path.
        ask: how to request log-probabilities, for the error.
        completion: the answer.

    Raises:
        MissingLogprobsError: there is no list, or it is empty although the answer is not.
        InvalidInputError: the value is not a list, or is too long.
    """
    if value is None or (value == [] and completion.has_tokens):
        raise MissingLogprobsError(path, ask)
    return expect_tokens(value, path)


Form = tuple[str, Callable[[], Reading]]
"""The path of one form of the answer, and the function that reads it."""


def read_forms(forms: Sequence[Form]) -> Reading:
    """Read an answer that a response contains in several forms: the most detailed, completed from forms that agree.

    Raises:
        InvalidInputError: no form can be read; this is the error of the first one.
    """
    found: list[tuple[str, Reading]] = []
    broken: list[tuple[str, InvalidInputError | InvalidDistribution]] = []
    for path, read in forms:
        try:
            found.append((path, read()))
        except (InvalidInputError, InvalidDistribution) as error:
            broken.append((path, error))
    if not found:
        raise next((error for _, error in broken if not isinstance(error, MissingLogprobsError)), broken[0][1])
    left_out = [f"{path} is ignored: {error}" for path, error in broken if not isinstance(error, MissingLogprobsError)]
    return _merge(found, left_out)


def warn_of_others(answers: object, path: str) -> tuple[str, ...]:
    """Warn that only the first of several answers to one prompt is read."""
    count = len(answers) - 1 if isinstance(answers, list) else 0
    return (f"{path}: {count} more are not in this report; send each one separately",) if count > 0 else ()


def _merge(found: list[tuple[str, Reading]], left_out: list[str]) -> Reading:
    best_path, best = max(found, key=lambda form: _measure_wealth(form[1].tokens))
    tokens, completion = best.tokens, best.completion
    warnings = [*best.warnings, *left_out]
    for path, other in found:
        if other is best:
            continue
        completion = replace(
            completion,
            text=other.completion.text if completion.text is None else completion.text,
            ids=other.completion.ids if completion.ids is None else completion.ids,
            count=other.completion.count if completion.count is None else completion.count,
        )
        if _agree(tokens, other.tokens):
            tokens = [_complete(one, two) for one, two in zip(tokens, other.tokens, strict=True)]
        elif other.tokens:
            warnings.append(f"{path} is ignored: {best_path} has more of the answer")
    return Reading(tokens, completion, tuple(warnings))


def _measure_wealth(tokens: Sequence[Token]) -> tuple[int, int, int, int]:
    lists = [token.distribution for token in tokens if token.distribution]
    scored = sum(token.logprob is not None or token.distribution is not None for token in tokens)
    return scored, len(lists), sum(one.k for one in lists), sum(token.token is not None for token in tokens)


def _agree(one: Sequence[Token], two: Sequence[Token]) -> bool:
    """Return whether two forms can hold the same tokens: equal length, and no contradicting ids or texts."""
    return len(one) == len(two) and all(
        (a.token is None or b.token is None or a.token == b.token) and (not a.text or not b.text or a.text == b.text)
        for a, b in zip(one, two, strict=True)
    )


def _complete(one: Token, two: Token) -> Token:
    lists = sorted((t.distribution for t in (one, two) if t.distribution), key=lambda it: it.k, reverse=True)
    return msgspec.structs.replace(
        one,
        token=two.token if one.token is None else one.token,
        text=one.text or two.text or one.text,
        logprob=two.logprob if one.logprob is None else one.logprob,
        distribution=lists[0] if lists else None,
    )
