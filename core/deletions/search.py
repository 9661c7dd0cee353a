"""Search for remains of a deleted request: build patterns, and match them in stored documents.

JSON can write each character in several ways, and documents contain JSON in texts of JSON, such as outputs of spans.
"""

import json
import re
from collections.abc import Iterable

from core.wire.zstandard import decompress

_SPECIAL = re.compile(r"([^0-9A-Za-z\x80-\U0010ffff])")
_START, _END = "(?<![0-9A-Za-z])", "(?![0-9A-Za-z])"
_PART = re.compile(r"\\+|[^\\]")
_ESCAPE = rb"\\\\{0,7}"
"""The backslashes of an escape: one in JSON, two or three in a text of JSON. The limit bounds the time of a search."""
_SHORT_ESCAPES = {"\b": b"b", "\f": b"f", "\n": b"n", "\r": b"r", "\t": b"t", '"': b'"', "/": b"/"}


def write_pattern(texts: Iterable[str]) -> str:
    """Return a regular expression of Postgres that matches the texts in columns unless part of a longer word."""
    forms = set(texts)
    for _ in range(2):  # texts of JSON, and texts of JSON in them
        forms |= {json.dumps(form, ensure_ascii=is_ascii)[1:-1] for form in forms for is_ascii in (True, False)}
    escaped = sorted(_SPECIAL.sub(r"\\\1", form) for form in forms)
    return f"{_START}(?:{'|'.join(escaped)}){_END}"


def compile_pattern(texts: Iterable[str]) -> re.Pattern[bytes]:
    """Return a regular expression that matches the texts in documents, however their characters are escaped.

    Each alternative begins with a literal byte, because the search for a few bytes is ten times as fast as any other.
    """
    alternatives: list[bytes] = []
    for text in texts:
        first, *rest = _PART.findall(text)
        others = b"".join(b"(?:%s)" % b"|".join(_spell(part)) for part in rest)
        alternatives += [_check_start(spelled) + others for spelled in _spell(first)]
    return re.compile(b"(?:%s)%s" % (b"|".join(alternatives), _END.encode()))


def matches(pattern: re.Pattern[bytes], frame: bytes) -> bool:
    """Return whether a pattern matches in a compressed document."""
    return pattern.search(decompress(frame)) is not None


def _spell(part: str) -> list[bytes]:
    """Return regular expressions of all ways in which JSON can write a character, or a run of backslashes."""
    if part.startswith("\\"):
        return [rb"\\(?<!\\\\)" + rb"\\{%d,}" % (len(part) - 1), (_ESCAPE + rb"u005(?i:c)") * len(part)]
    units = re.findall("....", part.encode("utf-16-be").hex())
    escaped = b"".join(_ESCAPE + b"u(?i:%s)" % unit.encode() for unit in units)
    short = [_ESCAPE + _SHORT_ESCAPES[part]] if part in _SHORT_ESCAPES else []
    return [re.escape(part).encode(), escaped, *short]


def _check_start(spelled: bytes) -> bytes:
    """Insert a check after the first byte of an expression: no word, except the end of an escape, is before it."""
    size = 2 if spelled.startswith(b"\\") else 1
    first, rest = spelled[:size], spelled[size:]
    allowed = (rb"(?<![0-9A-Za-z]%s)", rb"(?<=\\[bfnrt]%s)", rb"(?<=\\u[0-9A-Fa-f]{4}%s)")
    return first + b"(?:%s)" % b"|".join(one % first for one in allowed) + rest
