"""Find the keys of users in a parsed item, and replace them with labels in its text.

A key is the value of a field named `user_api_key` or `user_api_key_hash`, or of an HTTP header that carries one, in
metadata. It is also found in JSON inside a text, and in OTLP's `{key, value: {stringValue}}`.
"""

import json
import re
from collections.abc import Callable, Iterator
from typing import cast

from core.document.body_texts import write_text
from core.document.mask import mask_keys
from core.errors import InvalidInputError
from core.responses.attributes import read_value
from core.wire.parse_json import parse_json

USER_FIELDS = frozenset({"user_api_key", "user_api_key_hash"})
HEADERS = frozenset(
    {"authorization", "proxy-authorization", "x-api-key", "api-key", "api_key", "x-litellm-api-key", "x-goog-api-key"}
)
FIELDS = (*USER_FIELDS, *HEADERS, "stringvalue")
PLACES = ("header", "metadata")
"""Parts of names of objects that may contain headers."""
MAX_LEVELS = 8
"""Maximum levels of JSON inside JSON texts."""
MAX_DEPTH = 200

_NESTED = re.compile(rb'(?<!\\)"\s*[{\[][^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
"""A text that begins like JSON. In valid JSON, no bracket follows the closing quote of a text."""
_EVENT = re.compile(rb"^((?:data:)?[ \t]*)([{\[].*)$", re.MULTILINE)
_SIGN = re.compile("|".join([*USER_FIELDS, *HEADERS]), re.IGNORECASE)


def find_item_keys(raw: object) -> set[str]:
    """Return the keys in a parsed item."""
    return set(_find(raw, "", in_headers=False, depth=0))


def _find(value: object, name: str, *, in_headers: bool, depth: int) -> Iterator[str]:
    if depth > MAX_DEPTH:
        return
    if isinstance(value, str):
        yield from _find_in_text(value, name, in_headers=in_headers, depth=depth)
    elif isinstance(value, int) and not isinstance(value, bool) and name in USER_FIELDS:
        yield str(value)
    elif isinstance(value, dict):
        fields = cast("dict[str, object]", value)
        attribute = fields.get("key")
        if isinstance(attribute, str) and "value" in fields:
            last = attribute.lower().rpartition(".")[2]
            place = in_headers or any(place in attribute.lower() for place in PLACES)
            yield from _find(read_value(fields["value"]), last, in_headers=place, depth=depth + 1)
        for key, one in fields.items():
            place = in_headers or any(place in key.lower() for place in PLACES)
            yield from _find(one, key.lower(), in_headers=place, depth=depth + 1)
    elif isinstance(value, list):
        for one in cast("list[object]", value):
            yield from _find(one, name, in_headers=in_headers, depth=depth + 1)


def _find_in_text(text: str, name: str, *, in_headers: bool, depth: int) -> Iterator[str]:
    if name in USER_FIELDS and text:
        yield text
    elif name in HEADERS and in_headers and text:
        yield text
        yield text.rpartition(" ")[2]
    elif text.lstrip()[:1] in ("{", "[") and _SIGN.search(text):
        try:
            inner = json.loads(text)
        except (ValueError, RecursionError):
            return
        yield from _find(inner, name, in_headers=in_headers, depth=depth + 1)


def mask_item(body: bytes, raw: object, label: Callable[[str], str], *, is_stream: bool = False) -> bytes:
    """Replace the keys of an item with labels. All other bytes stay as posted.

    Args:
        body: JSON, or the text of a stream.
        raw: the same JSON, or the data of all events, parsed.
        label: returns the label of a key.
        is_stream: whether the body is the text of a stream.

    Raises:
        InvalidInputError: the item has too many keys, or one of them occurs too often.
    """
    keys = {key for key in find_item_keys(raw) if key}
    if is_stream and keys:

        def mask_event(found: re.Match[bytes]) -> bytes:
            return found[1] + mask_known(found[2], keys, label)

        return _EVENT.sub(mask_event, body)
    return mask_known(body, keys, label) if keys else body


def mask_known(body: bytes, keys: set[str], label: Callable[[str], str], level: int = 0) -> bytes:
    """Replace known keys, first in JSON inside texts, then everywhere else."""

    def mask_nested(found: re.Match[bytes]) -> bytes:
        return _mask_nested(found[0], keys, label, level + 1)

    return mask_keys(_NESTED.sub(mask_nested, body) if level < MAX_LEVELS else body, keys, FIELDS, label)


def _mask_nested(whole: bytes, keys: set[str], label: Callable[[str], str], level: int) -> bytes:
    if not _SIGN.search(whole.decode("utf-8", "replace")):
        return whole
    try:
        inner = json.loads(whole).encode()
        parse_json(inner)
    except (ValueError, RecursionError, InvalidInputError):
        return whole
    masked = mask_known(inner, keys, label, level)
    return whole if masked == inner else write_text(masked.decode())
