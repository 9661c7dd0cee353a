"""Replace user API keys in one text. A text that holds JSON stays valid JSON."""

import json
import re
from collections.abc import Iterator, Mapping

from core.access.hasher import LABEL_MARK, LONG_KEY
from core.errors import InvalidInputError

MAX_GROWTH = 16 * 1024 * 1024
"""Maximum characters of labels written into one document. A key of one letter can occur millions of times."""
MAX_LEVELS = 8
"""How many times a text is unescaped to find a key in JSON inside JSON strings."""

_TEXTS = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
"""JSON strings. The last one may be incomplete, so that no other search for its end starts within it."""
_ESCAPES = re.compile(r'(?:\\(?:u[0-9a-fA-F]{4}|["\\/bfnrt]))+')


class KeyMasker:
    """Masks texts, and counts the label characters it has written."""

    def __init__(self, labels: Mapping[str, str]) -> None:
        """Take the label of each key, longest key first, because a shorter key may be part of a longer one."""
        self.labels = labels
        self._long = [key for key in labels if len(key) >= LONG_KEY]
        short = "|".join(re.escape(key) for key in labels if 0 < len(key) < LONG_KEY)
        # A label of a two-character key starts with the whole key, so a label must not match again.
        self._hung = re.compile(rf"@({short})(?![\w-]|{LABEL_MARK})") if short else None
        self._written = 0

    def mask(self, text: str) -> str:
        """Replace long keys anywhere in a text, and short keys after an @ sign.

        Raises:
            InvalidInputError: the labels would make the document too long.
        """
        for key in self._long:
            if found := text.count(key):
                self._count(found * len(self.labels[key]))
                text = text.replace(key, self.labels[key])
        if self._hung and "@" in text:
            text = self._hung.sub(self._mask_hung, text)
        return self._mask_escaped(text) if "\\" in text else text

    def _mask_hung(self, found: re.Match[str]) -> str:
        label = self.labels[found[1]]
        self._count(len(label))
        return f"@{label}"

    def _count(self, written: int) -> None:
        self._written += written
        if self._written > MAX_GROWTH:
            raise InvalidInputError("body: a user API key occurs too often to be masked; use a longer key")

    def _mask_escaped(self, text: str) -> str:
        """Replace keys that are spelled with escapes, inside JSON strings if possible, else the whole text."""
        key = self._find_escaped(text)
        if key is None:
            return text
        masked = _TEXTS.sub(self._mask_inner, text)
        return masked if self._find_escaped(masked) is None else self.labels[key]

    def _mask_inner(self, found: re.Match[str]) -> str:
        try:
            inner = json.loads(found[0])
        except ValueError:
            return found[0]
        masked = self.mask(inner)
        return found[0] if masked == inner else json.dumps(masked, ensure_ascii=False)

    def _find_escaped(self, text: str) -> str | None:
        for decoded in _unescape(text):
            for key in self._long:
                if key in decoded:
                    return key
            if self._hung and (found := self._hung.search(decoded)):
                return found[1]
        return None


def _unescape(text: str) -> Iterator[str]:
    """Yield a text, then the text unescaped once, twice and so on, until no escape is left or MAX_LEVELS."""
    for _ in range(1 + MAX_LEVELS):
        yield text
        decoded = _ESCAPES.sub(lambda found: json.loads(f'"{found[0]}"'), text)
        if decoded == text:
            return
        text = decoded
