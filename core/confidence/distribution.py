"""The top-k list of one forward pass: parse, validate, sort and deduplicate it before it is scored."""

import math
from collections.abc import Mapping, Sequence
from operator import ge, itemgetter
from typing import Self, cast

import msgspec

from core.confidence.mass import is_possible
from core.confidence.number import InvalidDistribution, quote, read_logprob, read_prob

MAX_TOP_TOKENS = 1024
"""Maximum number of entries in a list. Servers send 5 to 20, a few send 100; more is a mistake or an attack."""

MAX_TOKEN_ID = 2**31 - 1
"""Largest token id: the maximum of a Postgres integer. Vocabularies have fewer than 10^6 tokens."""

_TOKEN, _LOGPROB, _TEXT = itemgetter("token"), itemgetter("logprob"), itemgetter("token_str")
_BY_LOGPROB = itemgetter(2)

_ONLY_INT = {int}  # isinstance() would accept bool
_ONLY_FLOAT = {float}
_TEXT_OR_NONE = {str, type(None)}
LEAST_CLEAN = -999.0  # just above MASKED_LOGPROB, which counts as masked


class Distribution(msgspec.Struct, frozen=True, gc=False):
    """The top k entries of a next-token distribution, most likely first, without duplicates.

    Created by `make_distribution`. It is a struct because a trace has thousands of them, and a frozen dataclass takes
    twice as long to create.

    Attributes:
        tokens: token ids; None where the server sends none.
        texts: text of each token; None where unknown.
        logprobs: log-probabilities in nats, ≤ 0, descending; `-math.inf` for masked entries, which come last.
        probs: exp(logprobs); 0 for masked entries.
        mass: M, the sum of probs. It may exceed 1 by rounding (see core.confidence.mass).
        missing_mass: r = max(0, 1 - M), the probability of all tokens outside the list.
        live: number of entries that are not masked.
        is_verbatim: whether the list was received in this form: sorted, each token once, with ids and logprobs.
    """

    tokens: tuple[int | None, ...]
    texts: tuple[str | None, ...]
    logprobs: tuple[float, ...]
    probs: tuple[float, ...]
    mass: float
    missing_mass: float
    live: int
    is_verbatim: bool

    @property
    def k(self) -> int:
        """Length of the list, including masked entries."""
        return len(self.logprobs)

    @property
    def masked(self) -> bool:
        """Whether any entry is masked (counts as p = 0)."""
        return self.live < len(self.logprobs)

    @property
    def is_possible(self) -> bool:
        """Whether the mass is at most 1, or exceeds 1 only by rounding."""
        return is_possible(self.mass, self.logprobs, self.probs)

    def find(self, token: int | None, text: str | None) -> int | None:
        """Return the position of a token, 0 for the most likely. Match by id if both have one, otherwise by text."""
        return next(iter(self.find_all(token, text)), None)

    def find_all(self, token: int | None, text: str | None) -> list[int]:
        """Return all positions that may hold a token, most likely first.

        Match by id if both have one, otherwise return every entry with the same text.
        """
        if token is not None and token in self.tokens:
            return [self.tokens.index(token)]
        if text is None or (token is not None and None not in self.tokens):
            return []
        named = zip(self.tokens, self.texts, strict=True)
        return [i for i, (t, s) in enumerate(named) if s == text and (t is None or token is None)]

    def drop(self, position: int) -> Self | None:
        """Return the list without one entry, or None if it was the only entry."""
        rows = [row for i, row in enumerate(zip(self.tokens, self.texts, self.logprobs, strict=True)) if i != position]
        return cast("Self", make_distribution(*zip(*rows, strict=True))) if rows else None

    def put(self, token: int | None, text: str | None, logprob: float, *, instead_of: int | None) -> Self:
        """Return the list with an additional entry, which replaces the entry at `instead_of` if that is not None."""
        rows = [
            row for i, row in enumerate(zip(self.tokens, self.texts, self.logprobs, strict=True)) if i != instead_of
        ]
        rows.append((token, text, logprob))
        rows.sort(key=_BY_LOGPROB, reverse=True)
        return cast("Self", make_distribution(*zip(*rows, strict=True)))


def make_distribution(
    tokens: tuple[int | None, ...],
    texts: tuple[str | None, ...],
    logprobs: tuple[float, ...],
    *,
    is_verbatim: bool = False,
) -> Distribution:
    """Create a distribution from sorted entries and derive its other fields from the logprobs."""
    probs = tuple(map(math.exp, logprobs))
    mass = math.fsum(probs)
    rest = 1.0 - mass if mass < 1.0 else 0.0
    live = len(probs) - logprobs.count(-math.inf) if 0.0 in probs else len(probs)
    return Distribution(tokens, texts, logprobs, probs, mass, rest, live, is_verbatim)


def read_distribution(entries: Sequence[object], path: str) -> Distribution | None:
    """Read a parsed JSON list of `{token?, logprob | prob, token_str? | text?}`. Other keys are ignored.

    Args:
        entries: entries in any order. Duplicates are allowed: some servers list the sampled token twice.
        path: location of the list, like `events[12].top_tokens`, for error messages.

    Returns:
        The list sorted by probability, with each token once (its most likely entry), or None for an empty list.

    Raises:
        InvalidDistribution: an entry is not an object or has no number, a number is not a probability, Σp exceeds 1 by
            more than rounding explains, or there are more than `MAX_TOP_TOKENS` entries.
    """
    if not entries:
        return None
    if len(entries) > MAX_TOP_TOKENS:
        raise InvalidDistribution(path, f"has {len(entries)} entries; at most {MAX_TOP_TOKENS} are allowed")
    distribution = _read_clean(entries) or _read_any(entries, path)
    if not distribution.is_possible:
        raise InvalidDistribution(
            path, f"the probabilities sum to {distribution.mass:.6g}; their sum must be at most 1"
        )
    return distribution


def _read_clean(entries: Sequence[object]) -> Distribution | None:
    """Read a list with distinct ids and sorted, unmasked floats. Return None for any other list.

    Almost every list has this form. These checks run in C and cost a tenth of reading entry by entry.
    """
    rows = cast("Sequence[dict[str, object]]", entries)  # a lookup raises TypeError if they are not
    try:
        tokens, logprobs = tuple(map(_TOKEN, rows)), tuple(map(_LOGPROB, rows))
    except (KeyError, TypeError):
        return None
    if {*map(type, tokens)} != _ONLY_INT or {*map(type, logprobs)} != _ONLY_FLOAT:
        return None
    # Every comparison with NaN is false, so this also rejects NaN.
    if logprobs[0] > 0.0 or not all(map(ge, logprobs, (*logprobs[1:], LEAST_CLEAN))):
        return None
    if min(tokens) < 0 or max(tokens) > MAX_TOKEN_ID or len({*tokens}) < len(tokens):
        return None
    named = [row.get("token_str") for row in rows]
    return make_distribution(tokens, _read_texts(rows), logprobs, is_verbatim={*map(type, named)} <= _TEXT_OR_NONE)


def _read_texts(rows: Sequence[Mapping[str, object]]) -> tuple[str | None, ...]:
    try:
        texts = tuple(map(_TEXT, rows))
        "".join(texts)  # raises TypeError unless all are strings; cheaper than checking each
    except (KeyError, TypeError):
        return tuple(map(_read_text, rows))
    return texts


def _read_any(entries: Sequence[object], path: str) -> Distribution:
    """Read any other list entry by entry, so that errors name the entry, then sort and deduplicate it."""
    rows = [_read_entry(entry, f"{path}[{i}]") for i, entry in enumerate(entries)]
    rows.sort(key=_BY_LOGPROB, reverse=True)  # stable: ties keep the sender's order
    best: dict[object, tuple[int | None, str | None, float]] = {}
    for row in rows:
        best.setdefault(_identify(row), row)
    tokens, texts, logprobs = zip(*best.values(), strict=True)
    return make_distribution(tokens, texts, logprobs)


def _identify(row: tuple[int | None, str | None, float]) -> object:
    """Return the key that identifies an entry's token: its id, or text and logprob if it has no id.

    Different tokens can have the same text (parts of a character, for example), so text alone is not enough. A chosen
    token that a server lists twice has the same logprob both times. Entries without id and text are all different.
    """
    token, text, logprob = row
    if token is not None:
        return token
    return (text, logprob) if text is not None else object()


def _read_entry(entry: object, path: str) -> tuple[int | None, str | None, float]:
    if not isinstance(entry, dict):
        raise InvalidDistribution(path, "must be an object with a logprob or a prob")
    token, text = entry.get("token"), _read_text(entry)
    if "token_id" in entry:  # then `token`, if it is a string, holds the text
        token, text = entry["token_id"], token if isinstance(token, str) else text
    return _read_token(token, path), text, _read_number(entry, path)


def _read_number(entry: dict[str, object], path: str) -> float:
    """Return the log-probability of an entry; use `prob` if `logprob` is absent or null."""
    if entry.get("logprob") is None and entry.get("prob") is not None:
        return read_prob(entry["prob"], f"{path}.prob")
    if "logprob" not in entry and "prob" not in entry:
        raise InvalidDistribution(path, "must have a logprob or a prob")
    return read_logprob(entry.get("logprob"), f"{path}.logprob")


def _read_token(token: object, path: str) -> int | None:
    if token is None:
        return None
    if isinstance(token, bool) or not isinstance(token, int) or not 0 <= token <= MAX_TOKEN_ID:
        raise InvalidDistribution(
            f"{path}.token", f"{quote(token)} is not a token id; use an integer in 0…{MAX_TOKEN_ID}"
        )
    return token


def _read_text(entry: Mapping[str, object]) -> str | None:
    """Return the text under either key. Ignore values that are not strings: the text only names the token."""
    text = entry.get("token_str")
    if text is None:
        text = entry.get("text")
    return text if isinstance(text, str) else None
