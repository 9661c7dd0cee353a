"""Find the least confident words of an answer, and measure the confidence of any part of it."""

import math
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

from core.answers.ending import find_end
from core.answers.locate import Place, join_tokens, locate_tokens
from core.confidence import Token, TokenScores

DEFAULT_BELOW = 0.2
"""The limit of `low_confidence_fraction`."""
MAX_ALTERNATIVES = 5

_MARKS = (
    r"!-/:-@\[-^`{-~\xa1\xa7\xab\xb6\xb7\xbb\xbf\u2010-\u2027\u2030-\u205e\u3001-\u303f"
    r"\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65"
)
_IDEOGRAPHS = r"\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_LETTER = rf"[^\s{_MARKS}{_IDEOGRAPHS}]"
_WORD = re.compile(rf"{_LETTER}+(?:(?:['\u2019-]|\.(?=[0-9])){_LETTER}+)*|[{_IDEOGRAPHS}]|[{_MARKS}]+")
"""A word or number, a Chinese or Japanese character, or a run of punctuation. don't and 3.14 are one word each."""


class Alternative(NamedTuple):
    """Another token that the model could have chosen, and its probability."""

    text: str
    prob: float


class Measure(NamedTuple):
    """The product of the probabilities of tokens, 0…1, and whether some entered at their upper bound.

    Both are None without tokens that count.
    """

    confidence: float | None
    is_bound: bool | None


class Span(NamedTuple):
    """A run of words that each have a token below the limit.

    Attributes:
        start: the first code point in the answer; None if the tokens don't reproduce the answer.
        end: the code point after the last one; None as above.
        text: the words.
        confidence: the product of the probabilities of its tokens, 0…1; unknown ones enter at their upper bound.
        is_bound: whether a token entered at its bound, so that the real value is lower.
        first_index: the index of its first sampled token, in the order of all tokens.
        last_index: the index of its last sampled token.
        alternatives: the other tokens in the list of its least likely token, most likely first.
    """

    start: int | None
    end: int | None
    text: str
    confidence: float | None
    is_bound: bool | None
    first_index: int
    last_index: int
    alternatives: list[Alternative]


class _Part(NamedTuple):
    """A token that counts: sampled, and with a place in the text. `prob` is its bound if the probability is unknown.

    `index` is its index among all tokens.
    """

    start: int
    end: int
    prob: float
    is_bound: bool
    index: int
    token: Token


@dataclass(frozen=True, slots=True)
class LocatedAnswer:
    """A text and the sampled tokens that it consists of.

    Attributes:
        text: the answer, or the joined tokens if they don't reproduce the answer.
        is_located: whether the tokens reproduce the answer.
        parts: its tokens in order.
        starts: the first code point of each.
        ends: the code point after the last one of each.
    """

    text: str
    is_located: bool
    parts: list[_Part]
    starts: list[int]
    ends: list[int]

    @classmethod
    def locate(cls, tokens: Sequence[Token], scores: Sequence[TokenScores], answer: str | None) -> Self:
        """Locate the tokens that remain in the text.

        Args:
            tokens: the tokens in order, with their lists.
            scores: the scores of each.
            answer: the text; None for the joined tokens.
        """
        kept = [row for row in zip(range(len(tokens)), tokens, scores, strict=True) if not row[1].discarded]
        texts = [token.text for _, token, _ in kept]
        joined, joined_places = join_tokens(texts)
        answer = joined if answer is None else answer
        places = locate_tokens(texts, answer)
        parts = list(_iterate_parts(kept, joined_places if places is None else places))
        return cls(
            joined if places is None else answer,
            places is not None,
            parts,
            [part.start for part in parts],
            [part.end for part in parts],
        )

    def find_spans(self, below: float) -> list[Span]:
        """Return the runs of words that each have a token with a probability, or upper bound, below a limit."""
        words = [match.span() for match in _WORD.finditer(self.text, 0, find_end(self.text))]
        starts, ends = [start for start, _ in words], [end for _, end in words]
        doubtful: set[int] = set()
        for part in self.parts:
            if part.prob < below:
                doubtful.update(range(bisect_right(ends, part.start), bisect_left(starts, part.end)))
        return [self._make_span(starts[first], ends[last]) for first, last in _iterate_runs(sorted(doubtful))]

    def measure(self, start: int, end: int) -> Measure:
        """Measure the tokens that overlap a part of the text."""
        parts = self._overlap(start, end)
        if not parts:
            return Measure(None, None)
        return Measure(math.prod(part.prob for part in parts), any(part.is_bound for part in parts))

    def _overlap(self, start: int, end: int) -> list[_Part]:
        return self.parts[bisect_right(self.ends, start) : bisect_left(self.starts, end)]

    def _make_span(self, start: int, end: int) -> Span:
        parts = self._overlap(start, end)
        least = min(parts, key=lambda part: part.prob)
        place: Place | tuple[None, None] = (start, end) if self.is_located else (None, None)
        return Span(
            *place,
            self.text[start:end],
            *self.measure(start, end),
            parts[0].index,
            parts[-1].index,
            _list_alternatives(least.token),
        )


def _iterate_parts(kept: Sequence[tuple[int, Token, TokenScores]], places: Sequence[Place | None]) -> Iterator[_Part]:
    for (index, token, scores), place in zip(kept, places, strict=True):
        if place is not None and token.sampled:
            bound = 1.0 if scores.prob_upper_bound is None else scores.prob_upper_bound
            prob = bound if scores.prob is None else scores.prob
            yield _Part(*place, prob, scores.prob is None, index, token)


def _iterate_runs(numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield the first and last number of each run of consecutive numbers."""
    first = 0
    for i in range(1, len(numbers) + 1):
        if i == len(numbers) or numbers[i] > numbers[i - 1] + 1:
            yield numbers[first], numbers[i - 1]
            first = i


def _list_alternatives(token: Token) -> list[Alternative]:
    listed = token.distribution
    if listed is None:
        return []
    chosen = listed.find(token.token, token.text)
    others = zip(range(listed.live), listed.texts, listed.probs, strict=False)
    named = [Alternative(text, prob) for i, text, prob in others if i != chosen and text is not None]
    return named[:MAX_ALTERNATIVES]
