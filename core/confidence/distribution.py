"""The top-k list of one forward pass: read from JSON, checked, sorted, deduped, once, before anything is scored."""

import math
from collections.abc import Mapping, Sequence
from operator import ge, itemgetter
from typing import Self, cast

import msgspec

from core.confidence.mass import is_possible
from core.confidence.number import InvalidDistribution, quote, read_logprob, read_prob

MAX_TOP_TOKENS = 1024
"""Entries of one list. Servers send 5 to 20, some a hundred; more is a mistake or an attack."""

MAX_TOKEN_ID = 2**31 - 1
"""The largest token id that a Postgres integer holds; vocabularies end below 10^6."""

_TOKEN, _LOGPROB, _TEXT = itemgetter("token"), itemgetter("logprob"), itemgetter("token_str")
_BY_LOGPROB = itemgetter(2)

_ONLY_INT = {int}  # bool is an int to isinstance()
_ONLY_FLOAT = {float}
_TEXT_OR_NONE = {str, type(None)}
LEAST_CLEAN = -999.0  # a little above MASKED_LOGPROB, which is itself masked


class Distribution(msgspec.Struct, frozen=True, gc=False):
    """The top-k of a next-token distribution, best first, without duplicates; `make_distribution` makes one.

    A struct because there are thousands, and a frozen dataclass takes twice as long to make.

    Attributes:
        tokens: ids, null where the server sends none.
        texts: what each token reads as, null where unknown.
        logprobs: nats, at most 0, falling; `-math.inf` where masked, so masked entries come last.
        probs: exp of the logprobs, 0 where masked.
        mass: M, the sum of probs; above 1 by no more than rounding explains (core.confidence.mass).
        missing_mass: r = 1 - M, what lies outside the list; at least 0, though rounding may carry M past 1.
        live: how many entries are not masked.
        is_as_sent: whether the list came like this: sorted, each token once, with ids and logprobs.
    """

    tokens: tuple[int | None, ...]
    texts: tuple[str | None, ...]
    logprobs: tuple[float, ...]
    probs: tuple[float, ...]
    mass: float
    missing_mass: float
    live: int
    is_as_sent: bool

    @property
    def k(self) -> int:
        """The length of the list, masked entries included."""
        return len(self.logprobs)

    @property
    def masked(self) -> bool:
        """Whether any entry counts as p = 0."""
        return self.live < len(self.logprobs)

    @property
    def is_possible(self) -> bool:
        """Whether rounding explains a mass above 1."""
        return is_possible(self.mass, self.logprobs, self.probs)

    def find(self, token: int | None, text: str | None) -> int | None:
        """The position of a token in the list, 0 for the best: by id where both know it, else by text."""
        return next(iter(self.find_all(token, text)), None)

    def find_all(self, token: int | None, text: str | None) -> list[int]:
        """The positions that may be a token's, best first: by id where both know it, else all of the same text."""
        if token is not None and token in self.tokens:
            return [self.tokens.index(token)]
        if text is None or (token is not None and None not in self.tokens):
            return []
        named = zip(self.tokens, self.texts, strict=True)
        return [i for i, (t, s) in enumerate(named) if s == text and (t is None or token is None)]

    def drop(self, position: int) -> Self | None:
        """The list without one entry; None if it was the only one."""
        rows = [row for i, row in enumerate(zip(self.tokens, self.texts, self.logprobs, strict=True)) if i != position]
        return cast("Self", make_distribution(*zip(*rows, strict=True))) if rows else None

    def put(self, token: int | None, text: str | None, logprob: float, *, instead_of: int | None) -> Self:
        """The list with another entry, in the place of one or beside all."""
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
    is_as_sent: bool = False,
) -> Distribution:
    """A distribution of entries that are in order, with what follows from their logprobs."""
    probs = tuple(map(math.exp, logprobs))
    mass = math.fsum(probs)
    rest = 1.0 - mass if mass < 1.0 else 0.0
    live = len(probs) - logprobs.count(-math.inf) if 0.0 in probs else len(probs)
    return Distribution(tokens, texts, logprobs, probs, mass, rest, live, is_as_sent)


def read_distribution(entries: Sequence[object], place: str) -> Distribution | None:
    """Reads a list of `{token?, logprob | prob, token_str? | text?}` as JSON gave it; other keys are ignored.

    Args:
        entries: in any order, with duplicates (some servers put the sampled token first or add it to the k).
        place: where the list stands, like `events[12].top_tokens`, for the refusal.

    Returns:
        The list best first, each token once (its best entry), or null for an empty list.

    Raises:
        InvalidDistribution: an entry is no object or has no number, a number is no probability, Σp exceeds 1 by more
            than rounding explains, or there are more than `MAX_TOP_TOKENS`.
    """
    if not entries:
        return None
    if len(entries) > MAX_TOP_TOKENS:
        raise InvalidDistribution(place, f"{len(entries)} entries are too many (at most {MAX_TOP_TOKENS})")
    distribution = _read_clean(entries) or _read_any(entries, place)
    if not distribution.is_possible:
        reason = f"the probabilities sum to {distribution.mass:.6g}, more than 1 by more than rounding explains"
        raise InvalidDistribution(place, reason)
    return distribution


def _read_clean(entries: Sequence[object]) -> Distribution | None:
    """The list as a well-behaved engine sends it: ids, distinct; floats, sorted, unmasked. Null for any other.

    Almost every list is like this, and checking all of it in C costs a tenth of reading entry by entry.
    """
    rows = cast("Sequence[dict[str, object]]", entries)  # if they are not, a lookup raises
    try:
        tokens, logprobs = tuple(map(_TOKEN, rows)), tuple(map(_LOGPROB, rows))
    except (KeyError, TypeError):
        return None
    if {*map(type, tokens)} != _ONLY_INT or {*map(type, logprobs)} != _ONLY_FLOAT:
        return None
    # No comparison with NaN holds, so this finds it too.
    if logprobs[0] > 0.0 or not all(map(ge, logprobs, (*logprobs[1:], LEAST_CLEAN))):
        return None
    if min(tokens) < 0 or max(tokens) > MAX_TOKEN_ID or len({*tokens}) < len(tokens):
        return None
    named = [row.get("token_str") for row in rows]
    return make_distribution(tokens, _read_texts(rows), logprobs, is_as_sent={*map(type, named)} <= _TEXT_OR_NONE)


def _read_texts(rows: Sequence[Mapping[str, object]]) -> tuple[str | None, ...]:
    try:
        texts = tuple(map(_TEXT, rows))
        "".join(texts)  # raises unless each is text, and costs less than asking each
    except (KeyError, TypeError):
        return tuple(map(_read_text, rows))
    return texts


def _read_any(entries: Sequence[object], place: str) -> Distribution:
    """Any other list: entry by entry, so that a refusal can say which; then sorted and deduped."""
    rows = [_read_entry(entry, f"{place}[{i}]") for i, entry in enumerate(entries)]
    rows.sort(key=_BY_LOGPROB, reverse=True)  # stable: among ties the sender's order stays
    best: dict[object, tuple[int | None, str | None, float]] = {}
    for row in rows:
        best.setdefault(_identify(row), row)
    tokens, texts, logprobs = zip(*best.values(), strict=True)
    return make_distribution(tokens, texts, logprobs)


def _identify(row: tuple[int | None, str | None, float]) -> object:
    """What makes two entries the same token: the id; without ids, text and logprob. Nameless ones are all different.

    Different tokens may print alike (`true` with and without a space, parts of a character), but a token that a server
    lists twice, as the chosen one, has the same logprob both times.
    """
    token, text, logprob = row
    if token is not None:
        return token
    return (text, logprob) if text is not None else object()


def _read_entry(entry: object, place: str) -> tuple[int | None, str | None, float]:
    if not isinstance(entry, dict):
        raise InvalidDistribution(place, "an entry must be an object with a logprob or a prob")
    token, text = entry.get("token"), _read_text(entry)
    if "token_id" in entry:  # then `token` is the text, where it is one
        token, text = entry["token_id"], token if isinstance(token, str) else text
    return _read_token(token, place), text, _read_number(entry, place)


def _read_number(entry: dict[str, object], place: str) -> float:
    """The logprob; the prob where there is no logprob, or only a null one beside it."""
    if entry.get("logprob") is None and entry.get("prob") is not None:
        return read_prob(entry["prob"], f"{place}.prob")
    if "logprob" not in entry and "prob" not in entry:
        raise InvalidDistribution(place, "an entry needs a logprob or a prob")
    return read_logprob(entry.get("logprob"), f"{place}.logprob")


def _read_token(token: object, place: str) -> int | None:
    if token is None:
        return None
    if isinstance(token, bool) or not isinstance(token, int) or not 0 <= token <= MAX_TOKEN_ID:
        raise InvalidDistribution(f"{place}.token", f"{quote(token)} is no token id (an integer in 0…{MAX_TOKEN_ID})")
    return token


def _read_text(entry: Mapping[str, object]) -> str | None:
    """The text under either name. It only names the token, so anything but text is as good as absent."""
    text = entry.get("token_str")
    if text is None:
        text = entry.get("text")
    return text if isinstance(text, str) else None
