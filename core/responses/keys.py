"""Replace the keys of users in the text of an item with labels.

A key is the value of a field named `user_api_key` or `user_api_key_hash`, or of an HTTP header that carries one.
Headers may be objects, lists of pairs, `{name, value}`, OTLP's `{key, value: {stringValue}}`, or JSON inside a text.
All other bytes stay as posted.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from core.access.hasher import LONG_KEY, find_label_range
from core.document.body_texts import COLON, read_value, write_text
from core.document.key_masker import MAX_LEVELS
from core.document.mask import Edit, join_edits, mask_keys
from core.errors import InvalidInputError
from core.responses.sse import split_cut_event
from core.wire.parse_json import parse_json

USER_FIELDS = frozenset({"user_api_key", "user_api_key_hash"})
PLACES = ("header", "metadata")
"""Parts of names of objects that contain headers, where all of a value is a key."""
NAMES = frozenset({"key", "name", "header", "header_name", "field", "k"})
VALUES = frozenset({"value", "values", "v"})
"""Names of the parts of a header that is written as an object."""

_CARRIERS = r"(?:api|subscription)[-_]?key|authori[sz]ation|cookie|(?:auth|access)[-_]?token|secret"
_HEADER = re.compile(rf"(?:.*[-_.])?(?:{_CARRIERS})", re.DOTALL)
_CLEAR_HEADER = re.compile(r"(?:.*[-_.])?(?:api[-_]?key|authori[sz]ation)", re.DOTALL)
"""Names that carry a key outside of metadata, too, unless they name an object, as in the schema of a tool."""
_SIGN = re.compile(rf"{_CARRIERS}|\\u00[2-7]".encode(), re.IGNORECASE)
"""A part of every name of a key, or an escape that may hide it."""
_TEXT = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_TOKENS = re.compile(_TEXT + rb"|[{}\[\]\"]", re.DOTALL)
_TOKENS_AND_NUMBERS = re.compile(_TEXT + rb"|[{}\[\]\"]|-?[0-9][0-9.eE+-]*+", re.DOTALL)
_LINE, _FIELD = rb"(?:(?<=[\r\n])|\A(?:\xef\xbb\xbf)?+)", rb"data:"
_DATA = re.compile(_LINE + _FIELD)
_NO_DATA = re.compile(_LINE + rb"(?:" + _FIELD + rb"|(?!" + _FIELD + rb")[^\r\n]+)")
_QUOTE = ord('"')

Label = Callable[[str], str]


@dataclass(slots=True)
class _Frame:
    """An object or a list that is open.

    Attributes:
        depth: 2 if all texts in it are keys, 1 if those directly in it are, else 0.
        is_place: whether it is part of headers or metadata.
        name: the last name, in lower case without its path; in a list, the last text.
        value_at: start and end of each range of found texts that a `value` contains.
        has_header: whether the object names a header that carries a key.
    """

    is_object: bool
    depth: int
    is_place: bool
    name: str = ""
    is_place_named: bool = False
    has_header: bool = False
    value_at: list[int] = field(default_factory=list)


def mask_item(body: bytes, label: Label, *, is_stream: bool = False) -> bytes:
    """Replace the keys of an item with labels.

    Args:
        body: valid JSON, or the text of a stream.
        label: returns the label of a key.
        is_stream: whether the body is the text of a stream.

    Raises:
        InvalidInputError: the item has too many keys, or one of them occurs too often.
    """
    if not _SIGN.search(body):
        return body
    if is_stream:
        return _mask_stream(body, label)
    masked, keys = _mask_named(body, label, body)
    return mask_keys(masked, keys, label, masked) if keys else body


def _mask_stream(body: bytes, label: Label) -> bytes:
    """Replace the keys in the text of a stream.

    Lines without data that may hold a key become empty comments. An event in which the stream breaks off is dropped if
    there are keys, because a text without an end can't be masked.
    """
    if _DATA.search(body):
        body = _NO_DATA.sub(_drop_signs, body)
    whole, cut = split_cut_event(body)
    masked, keys = _mask_named(whole, label, _blank(whole))
    if not keys:
        return whole if _SIGN.search(cut) else body
    masked = mask_keys(masked, keys, label, _blank(masked))
    for key in sorted((key for key in keys if len(key) >= LONG_KEY), key=len, reverse=True):  # also outside of JSON
        masked = masked.replace(key.encode("utf-8", "surrogatepass"), label(key).encode())
    return masked


def _drop_signs(found: re.Match[bytes]) -> bytes:
    return b":" if _SIGN.search(found[0]) else found[0]


def _blank(body: bytes) -> bytes:
    """Replace the parts of a stream's text that are not JSON with spaces."""
    return _NO_DATA.sub(_write_spaces, body) if _DATA.search(body) else body


def _write_spaces(found: re.Match[bytes]) -> bytes:
    return b" " * len(found[0])


def _mask_named(
    body: bytes, label: Label, view: bytes, level: int = 0, *, is_place: bool = False
) -> tuple[bytes, set[str]]:
    """Replace the values of fields that name keys. Return the body and the keys."""
    scan = _Scan(label, level, is_place=is_place)
    scan.run(view)
    edits = [Edit(start, *edit) for start, edit in sorted(scan.edits.items())]
    return (b"".join(join_edits(body, edits)) if edits else body), scan.keys


class _Scan:
    """Reads the tokens of a JSON text in order, and collects the values that are keys."""

    def __init__(self, label: Label, level: int, *, is_place: bool) -> None:
        self.label, self.level = label, level
        self.keys: set[str] = set()
        self.edits: dict[int, tuple[int, bytes]] = {}
        self._texts: list[tuple[int, int, str]] = []
        self._base = _Frame(is_object=False, depth=0, is_place=is_place)
        self._frames = [self._base]

    def run(self, view: bytes) -> None:
        """Read all tokens of a body."""
        position = 0
        while True:
            frame = self._frames[-1]
            is_keyed = frame.depth > 0 or (frame.is_object and frame.name in USER_FIELDS)
            found = (_TOKENS_AND_NUMBERS if is_keyed else _TOKENS).search(view, position)
            if found is None or found[0] == b'"':  # a text without an end, which a stream may have
                return
            position = found.end()
            token = found[0]
            if token in (b"{", b"["):
                self._open(frame, is_object=token == b"{")
            elif token in (b"}", b"]"):
                self._close()
            elif frame.is_object and token[0] == _QUOTE and COLON.match(view, position):
                self._name(frame, read_value(token).lower())
            else:
                self._take(frame, found.start(), position, read_value(token))

    def _open(self, frame: _Frame, *, is_object: bool) -> None:
        depth = 2 if frame.depth == 2 else self._measure(frame)
        self._frames.append(_Frame(is_object, 0 if depth == 1 and is_object else depth, self._is_place(frame)))

    def _close(self) -> None:
        frame = self._frames.pop() if len(self._frames) > 1 else self._base
        self._end_value(frame)
        for first, last in zip(frame.value_at[::2], frame.value_at[1::2], strict=True):
            for text in self._texts[first:last]:
                if frame.has_header:
                    self._add(*text)
                elif frame.is_place:  # perhaps its `key` is after its `value`
                    self._read_json(frame, *text)

    def _name(self, frame: _Frame, path: str) -> None:
        self._end_value(frame)
        frame.name = path.rpartition(".")[2]
        frame.is_place_named = any(place in path for place in PLACES)
        if frame.name in VALUES:
            frame.value_at.append(len(self._texts))

    def _end_value(self, frame: _Frame) -> None:
        if len(frame.value_at) % 2:
            frame.value_at.append(len(self._texts))

    def _take(self, frame: _Frame, start: int, end: int, text: str) -> None:
        if frame.depth or self._measure(frame):
            self._add(start, end, text)
        else:
            self._texts.append((start, end, text))
            self._read_json(frame, start, end, text)
        if frame.is_object and frame.name in NAMES:
            last = text.lower().rpartition(".")[2]
            frame.has_header = frame.has_header or last in USER_FIELDS or _HEADER.fullmatch(last) is not None
            frame.is_place = frame.is_place or (frame.name == "key" and any(place in text.lower() for place in PLACES))
        elif not frame.is_object:
            frame.name = text.lower().rpartition(".")[2]

    def _measure(self, frame: _Frame) -> int:
        """Return 2 if the next value is a key with all that it contains, 1 if it is one as a text, else 0."""
        if (frame.is_object or frame.is_place) and frame.name in USER_FIELDS:
            return 2
        if frame.is_place:
            return 2 if _HEADER.fullmatch(frame.name) else frame.depth
        is_clear = frame.is_object and self.level == 0  # an answer may be JSON
        return 1 if is_clear and _CLEAR_HEADER.fullmatch(frame.name) else frame.depth

    def _is_place(self, frame: _Frame) -> bool:
        return frame.is_place or frame.is_place_named

    def _read_json(self, frame: _Frame, start: int, end: int, text: str) -> None:
        """Mask the JSON inside a text."""
        if self.level == MAX_LEVELS or text.lstrip()[:1] not in ("{", "[", '"'):
            return
        try:
            inner = text.encode()
            if not _SIGN.search(inner):
                return
            parse_json(inner)
        except (UnicodeEncodeError, InvalidInputError, RecursionError):
            return
        masked, keys = _mask_named(inner, self.label, inner, self.level + 1, is_place=self._is_place(frame))
        self.keys |= keys
        if masked != inner:
            self.edits[start] = (end, write_text(masked.decode()))

    def _add(self, start: int, end: int, text: str) -> None:
        if text and not find_label_range(text):  # an exported item contains labels already
            self.keys |= {text, text.rpartition(" ")[2]} - {""}
            self.edits[start] = (end, write_text(self.label(text)))
