"""Tokens with known places in a text."""

import math
from collections.abc import Sequence

from core.answers.spans import LocatedAnswer, Span
from core.confidence import Token, score_tokens


def make_token(text: str | None, prob: float | None = 0.9, *, forced: bool = False, discarded: bool = False) -> Token:
    logprob = None if prob is None else math.log(prob)
    return Token(None, text, logprob=logprob, forced=forced, discarded=discarded)


def locate(tokens: Sequence[Token], answer: str | None = None) -> LocatedAnswer:
    return LocatedAnswer.locate(tokens, score_tokens(tokens), answer)


def find(tokens: Sequence[Token], answer: str | None = None, below: float = 0.2) -> list[Span]:
    return locate(tokens, answer).find_spans(below)
