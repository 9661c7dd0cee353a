"""Search for remains of a deleted request: build patterns, and match them in stored documents."""

import json
import re
from collections.abc import Iterable

from core.wire.zstandard import decompress

_ESCAPED = re.compile(rb"\\u([0-9a-fA-F]{4})")
_SPECIAL = re.compile(r"([^0-9A-Za-z\x80-\U0010ffff])")
_START, _END = "(?<![0-9A-Za-z])", "(?![0-9A-Za-z])"


def write_pattern(texts: Iterable[str]) -> str:
    """Return a regular expression, for Postgres and Python, that matches the texts unless part of a longer word."""
    forms = {form for text in texts for form in (text, json.dumps(text, ensure_ascii=False)[1:-1])}
    escaped = sorted(_SPECIAL.sub(r"\\\1", form) for form in forms)
    return f"{_START}(?:{'|'.join(escaped)}){_END}"


def matches(pattern: re.Pattern[bytes], frame: bytes) -> bool:
    """Return whether the pattern matches in a compressed document after unescaping its characters."""
    return pattern.search(_ESCAPED.sub(_unescape, decompress(frame))) is not None


def _unescape(found: re.Match[bytes]) -> bytes:
    """Unescape a character, except surrogates and the characters that JSON requires to be escaped."""
    character = chr(int(found[1], 16))
    return found[0] if character in '"\\' or "\ud800" <= character <= "\udfff" else character.encode()
