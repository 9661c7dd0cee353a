"""Find the place of each token in the text of an answer.

Most texts are the concatenation of their tokens. Others lack an end token, leading white space or a reasoning part that
the tokens have, or contain characters whose parts are separate tokens. Such a part has the text U+FFFD.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise

Place = tuple[int, int]
"""The code points from start (inclusive) to end (exclusive)."""

MAX_TRIES = 64
"""Maximum number of lengths that are tried for a run of split characters."""

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_UNITS = re.compile(f"{_REPLACEMENT}+|[^{_REPLACEMENT}]+")
_BYTE = re.compile(rb"\\x([0-9a-fA-F]{2})")
_PIECES = str.maketrans({"\u0120": " ", "\u010a": "\n", "\u2581": " "})
"""How vocabularies write a space and a line break. Some servers send these vocabulary entries undecoded."""


def locate_tokens(texts: Sequence[str | None], answer: str) -> list[Place | None] | None:
    """Return the place of each token in the answer. A token outside the answer, such as an end token, has none.

    All tokens of a run of split characters have the place of the whole run, because it is unknown which part belongs to
    which character. A token without text, which begins a character that the next token completes, has the place of
    the next token.

    Args:
        texts: the texts of the tokens that remain in the text, in order.
        answer: the text.

    Returns:
        None if a token's text is unknown, or if the tokens don't reproduce the answer.
    """
    known = [_show_bytes(text) for text in texts if text is not None]
    if len(known) < len(texts):
        return None
    places = _locate(known, answer) or _locate([text.translate(_PIECES) for text in known], answer)
    return None if places is None else _fill_empty(known, places)


def join_tokens(texts: Sequence[str | None]) -> tuple[str, list[Place]]:
    """Return the concatenation of the tokens, and the place of each in it. An unknown text counts as empty."""
    ends = accumulate((len(text or "") for text in texts), initial=0)
    return "".join(text or "" for text in texts), list(pairwise(ends))


def _show_bytes(text: str) -> str:
    r"""Decode the bytes of a token that OpenAI writes as `bytes: \xe2\x80`. Parts of characters become U+FFFD."""
    named = text.removeprefix("bytes:").encode("utf-8", "surrogatepass")
    shown, count = _BYTE.subn(_read_byte, named)
    return shown.decode("utf-8", "replace") if count and text.startswith("bytes:") else text


def _read_byte(found: re.Match[bytes]) -> bytes:
    return bytes.fromhex(found[1].decode())


def _fill_empty(texts: Sequence[str], places: list[Place | None]) -> list[Place | None]:
    following: Place | None = None
    for i in range(len(texts) - 1, -1, -1):
        if not texts[i]:
            places[i] = following
        following = places[i]
    return places


def _locate(texts: Sequence[str], answer: str) -> list[Place | None] | None:
    joined, places = join_tokens(texts)
    offset = _find_offset(joined, answer)
    if offset is not None:
        return [_clip(start + offset, end + offset, len(answer)) for start, end in places]
    return _Walk(texts, answer).run() if _REPLACEMENT in joined else None


def _find_offset(joined: str, answer: str) -> int | None:
    """Return the position of the joined tokens in the answer; negative if they begin before it."""
    stripped = len(joined) - len(joined.lstrip())
    for skipped in (0, stripped):
        if joined.startswith(answer, skipped):
            return -skipped
    after = joined[::-1].find(answer[::-1])  # the last occurrence; rfind() may take quadratic time
    if after >= 0:  # the tokens of a reasoning part come first
        return after + len(answer) - len(joined)
    first = answer.find(joined)
    return first if joined and first >= 0 else None


def _clip(start: int, end: int, length: int) -> Place | None:
    start, end = max(0, start), min(length, end)
    return (start, end) if start < end else None


@dataclass(slots=True)
class _Unit:
    """A part of a token: clear text, or a number of parts of characters."""

    token: int
    text: str
    parts: int = 0


@dataclass(slots=True)
class _Walk:
    """Match tokens with an answer from its start, where some of them are parts of characters."""

    texts: Sequence[str]
    answer: str
    position: int = 0
    places: list[Place | None] = field(default_factory=list)

    def run(self) -> list[Place | None] | None:
        self.places = [None] * len(self.texts)
        runs = _group(self.texts)
        for i, (split, clear) in enumerate(runs):
            text = "".join(unit.text for unit in clear)
            if i == 0 and not split and not self.answer.startswith(text):  # leading white space is often stripped
                self.position = len(text.lstrip()) - len(text)
            length = self._measure(split, text, is_last=i == len(runs) - 1)
            if length is None:
                return None
            for unit in split:
                self._place(unit, self.position, self.position + length)
            self.position += length
            for unit in clear:
                self._place(unit, self.position, self.position + len(unit.text))
                self.position += len(unit.text)
        return self.places

    def _place(self, unit: _Unit, start: int, end: int) -> None:
        place, before = _clip(start, end, len(self.answer)), self.places[unit.token]
        self.places[unit.token] = (before[0], place[1]) if before and place else before or place

    def _measure(self, split: list[_Unit], clear: str, *, is_last: bool) -> int | None:
        """Return the number of characters that a run of parts makes up, if the clear text follows them."""
        parts = sum(unit.parts for unit in split)
        fewest = -(-parts // 4)  # UTF-8 has at most four bytes per character
        for length in range(fewest, min(parts, fewest + MAX_TRIES) + 1):
            if self._fits(parts, length) and self._follows(clear, self.position + length, is_last=is_last):
                return length
        rest = self.answer[self.position :]
        # The answer may lack an incomplete character at the end of the text.
        return len(rest) if is_last and len(rest) <= parts and _is_foreign(rest) else None

    def _fits(self, parts: int, length: int) -> bool:
        region = self.answer[self.position : self.position + length] if length else ""
        is_long_enough = len(region) == length and len(region.encode("utf-8", "surrogatepass")) >= parts
        return is_long_enough and _is_foreign(region)

    def _follows(self, clear: str, position: int, *, is_last: bool) -> bool:
        if position < 0:
            return self.answer.startswith(clear[-position:])
        return self.answer.startswith(clear, position) or (is_last and clear.startswith(self.answer[position:]))


def _is_foreign(text: str) -> bool:
    """Return whether each character has several bytes in UTF-8, so that it can be split."""
    return not any(map(str.isascii, text))


def _group(texts: Sequence[str]) -> list[tuple[list[_Unit], list[_Unit]]]:
    """Group the units of all tokens: each run of parts of characters, with the clear text after it."""
    groups: list[tuple[list[_Unit], list[_Unit]]] = [([], [])]
    for unit in _iterate_units(texts):
        if unit.parts and groups[-1][1]:
            groups.append(([], []))
        groups[-1][0 if unit.parts else 1].append(unit)
    return groups


def _iterate_units(texts: Sequence[str]) -> Iterator[_Unit]:
    for token, text in enumerate(texts):
        for found in _UNITS.findall(text):
            yield _Unit(token, "", len(found)) if found[0] == _REPLACEMENT else _Unit(token, found)
