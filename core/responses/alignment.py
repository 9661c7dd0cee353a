"""Check whether the tokens with log-probabilities cover the complete answer.

They are compared with the text, the ids and the token count that the response also contains.
"""

import re
from collections.abc import Sequence
from itertools import takewhile
from typing import Literal, NamedTuple

from core.confidence import Token
from core.responses.reading import Completion, Reading

Alignment = Literal["exact", "partial"] | None
"""None if the response contains nothing to compare with."""

_END_TOKEN = re.compile(r"<.+>|\[.+\]|", re.DOTALL)
"""Text of an end token. Some servers give it an empty text."""

_PIECES = str.maketrans({"\u0120": " ", "\u010a": "\n", "\u2581": " "})
"""How vocabularies write a space and a line break. Some servers send these vocabulary entries undecoded."""


class _Match(NamedTuple):
    """The number of the answer's tokens that were found, and the expected number."""

    found: int
    total: int

    @property
    def is_exact(self) -> bool:
        return self.found == self.total


def align_tokens(reading: Reading, stop: Sequence[str] = ()) -> tuple[Alignment, list[str]]:
    """Compare the tokens with the ids, the text and the token count in the response.

    Args:
        reading: the response as read.
        stop: stop words, if the request is known.

    Returns:
        The alignment and, if it is partial or the answer may include the prompt, a warning.
    """
    tokens, completion = reading.tokens, reading.completion
    by_text = _match_text(tokens, completion, stop)
    matches = [_match_ids(tokens, completion), by_text, _match_count(tokens, completion) if by_text is None else None]
    known = [match for match in matches if match is not None]
    if not known:
        return None, []
    worst = min(known, key=lambda match: match.found / match.total if match.total else 1.0)
    if worst.is_exact:
        return "exact", _name_echo(tokens, completion)
    return "partial", [f"alignment: {worst.found} of {worst.total} tokens match the answer in the response"]


def _name_echo(tokens: Sequence[Token], completion: Completion) -> list[str]:
    """Warn if the server counts fewer generated tokens than it sent: the first ones may be the prompt's."""
    if completion.count is None or len(tokens) <= completion.count + 1:
        return []
    sentence = (
        f"echo: the response has {len(tokens)} tokens, but counts {completion.count}; if it begins with the prompt, "
        "send {request, response}, so that the prompt is not scored"
    )
    return [sentence]


def _match_ids(tokens: Sequence[Token], completion: Completion) -> _Match | None:
    if not completion.ids:
        return None
    pairs = zip(tokens, completion.ids, strict=False)
    found = sum(1 for _ in takewhile(lambda pair: pair[0].token in {None, pair[1]}, pairs))
    return _forgive_end(found, len(tokens), len(completion.ids), completion)


def _match_count(tokens: Sequence[Token], completion: Completion) -> _Match | None:
    if completion.count is None:
        return None
    return _forgive_end(min(len(tokens), completion.count), len(tokens), completion.count, completion)


def _forgive_end(found: int, tokens: int, total: int, completion: Completion) -> _Match:
    """Ignore a difference of one end token: some servers send no log-probability for it, others don't count it."""
    if completion.ended and tokens and found == min(tokens, total) and abs(tokens - total) == 1 and found > 1:
        return _Match(found, found)
    return _Match(found, max(tokens, total))


def _match_text(tokens: Sequence[Token], completion: Completion, stop: Sequence[str]) -> _Match | None:
    """Match by the texts of the tokens. Return None if a text is unknown or is only part of a character."""
    if completion.text is None or any(_is_unreadable(token.text) for token in tokens):
        return None
    texts = [token.text or "" for i, token in enumerate(tokens) if i not in completion.special]
    if texts and _END_TOKEN.fullmatch(texts[-1]) and texts[-1] not in stop and not completion.text.endswith(texts[-1]):
        texts.pop()
    answer = completion.text.lstrip()
    found = _count_leading(texts, answer)
    if found < len(texts):
        found = max(found, _count_leading([text.translate(_PIECES) for text in texts], answer))
    if found < len(texts):
        return _Match(found, max(len(texts), completion.count or 0))
    if len("".join(texts).lstrip()) >= len(answer):
        return _Match(found, found)
    return _Match(found, max(found + 1, completion.count or 0, len(completion.ids or ())))


def _is_unreadable(text: str | None) -> bool:
    return text is None or "\N{REPLACEMENT CHARACTER}" in text or text.startswith("bytes:")


def _count_leading(texts: Sequence[str], answer: str) -> int:
    """Count the texts, in order, that the answer starts with. Leading white space is often stripped, so ignore it."""
    length, begun = 0, False
    for i, text in enumerate(texts):
        part = text if begun else text.lstrip()
        if not answer.startswith(part, length):
            return i
        length += len(part)
        begun = begun or bool(part)
    return len(texts)
