"""Report the least confident words of an answer and, if it is JSON, the confidence of its values."""

from collections.abc import Sequence
from typing import Any

from core.answers.json_values import find_values
from core.answers.spans import LocatedAnswer
from core.confidence import Token, TokenScores


def report_spans(
    tokens: Sequence[Token], scores: Sequence[TokenScores], answer: str | None, below: float
) -> dict[str, Any]:
    """Return `spans` and `json`.

    Args:
        tokens: the tokens in order, with their lists.
        scores: the scores of each.
        answer: the final text; None for the joined tokens.
        below: the limit of the probability of a token in each word of a span.
    """
    located = LocatedAnswer.locate(tokens, scores, answer)
    spans = [
        span._asdict() | {"alternatives": [one._asdict() for one in span.alternatives]}
        for span in located.find_spans(below)
    ]
    return {"spans": spans, "json": _report_values(located)}


def _report_values(located: LocatedAnswer) -> list[dict[str, Any]] | None:
    values = find_values(located.text) if located.is_located else None
    if values is None:
        return None
    return [value._asdict() | located.measure(value.start, value.end)._asdict() for value in values]
