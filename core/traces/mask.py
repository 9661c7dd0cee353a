"""Users' keys out of a document before it is stored: wherever the engine puts one, its label stands instead.

That is `request.user_api_key`; `mod@<key>` anywhere; the fields that name who did something; and, where a key is long
enough to be no word, any place at all. The rest stays as it was posted, byte for byte. A document is only searched, as
bytes; of one in which a key could hide each text is taken apart.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import msgspec

from core.errors import InvalidInputError
from core.traces.document import TraceDocument
from core.traces.parse import parse_document, parse_json, validate_request

MAX_KEYS = 50
"""Users' keys of one document: each is a search of all of it. A trace has one, and perhaps one per mod."""
LONG_KEY = 16
"""Characters from which on a key is no word that a text may hold by chance."""

MAX_GROWTH = 16 * 1024 * 1024
"""Bytes by which labels may make a document longer: a key of one letter, named a million times, would make it many."""
FIRST_BYTES = 16 * 1024
"""How much of a body is looked at for its request at first; twice as much each time that is not all of it."""

_STARTS_WITH_REQUEST = re.compile(rb'\s*\{\s*"request"\s*:\s*')
_NEEDLESS_ESCAPE = re.compile(rb"\\u00[2-7][0-9a-fA-F]|\\/")
"""Escapes that no JSON writer needs for a printable character: a key could hide behind them."""
_KEY_FIELDS = ("user_api_key", "created_by", "added_by")
_NAME_ENDS = {b'_api_key"': (b'"user',), b'_by"': (b'"created', b'"added')}
"""What the names end in, and what stands before that: one search for two of them."""
_TEXT = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'  # possessive: an alternative for each character costs a hundred times its size
_TEXTS = re.compile(_TEXT, re.DOTALL)
_TEXT_VALUE = re.compile(rb"\s*:\s*(" + _TEXT + rb")", re.DOTALL)
_COLON = re.compile(rb"\s*:\s*")
_DECODER = json.JSONDecoder(parse_int=float)  # of any number of digits
_PLAIN = re.compile(r"[A-Za-z0-9_.:+~@-]*[A-DF-Za-df-z_:~@][A-Za-z0-9_.:+~@-]*")


@dataclass(frozen=True, slots=True)
class MaskedDocument:
    """A document without users' keys: as bytes to store, and as it is to be scored.

    Attributes:
        head: what stands in place of the first bytes of `source`: the request, as a rule; empty where nothing changed.
        source: the document as posted, or written anew.
        start: how many bytes of it `head` replaces. A copy of the rest would be as large as the trace.
        document: parsed.
    """

    head: bytes
    source: bytes
    start: int
    document: TraceDocument

    @property
    def pieces(self) -> tuple[bytes, memoryview]:
        """All of it, in order and without a copy."""
        return self.head, memoryview(self.source)[self.start :]

    @property
    def body(self) -> bytes:
        """All of it."""
        return b"".join(self.pieces)

    @property
    def size(self) -> int:
        """Bytes of all of it."""
        return len(self.head) + len(self.source) - self.start


def mask_document(body: bytes, document: TraceDocument, label: Callable[[str], str]) -> MaskedDocument:
    """Put labels where the users' keys are.

    Args:
        body: a document as posted.
        document: the same, parsed.
        label: what is shown of a key.

    Raises:
        InvalidInputError: it is nested too deeply to be searched, or names too many keys, or one too often.
    """
    keys = find_keys(body, document)
    if not keys:
        return keep_document(body, document)
    if len(keys) > MAX_KEYS:
        raise InvalidInputError(f"the trace names {len(keys)} users' keys; it may name {MAX_KEYS}")
    labels = {key: label(key) for key in keys}
    request_id = document.request.request_id
    if request_id in labels or _mask(request_id, labels) != request_id:
        raise InvalidInputError("request.request_id: an id cannot hold a user's key")
    try:
        return _mask_quickly(body, document, labels) or _mask_thoroughly(body, labels)
    except RecursionError:
        raise InvalidInputError("the trace is nested too deeply to be searched for users' keys") from None


def keep_document(body: bytes, document: TraceDocument) -> MaskedDocument:
    """A document that names no user's key."""
    return MaskedDocument(b"", body, 0, document)


def find_keys(body: bytes, document: TraceDocument) -> list[str]:
    """The users' keys that a document names: its owner's, those that hang on mods, and those of who did something.

    The last are looked for in the body: where a name occurs twice, the parsed document has only one of them.
    """
    request = document.request
    names = {request.active_mod_name, request.mod_text, *(row.mod_name for row in document.mod_calls)}
    names.update(row.mod_name for row in document.mod_logs)
    names.update(event.forced_by for event in document.events)
    keys = {request.user_api_key, *(_find_hung_key(name) for name in names if name)}
    for end, beginnings in _NAME_ENDS.items():
        keys.update(_list_values(body, end, beginnings))
    # A longer key first: a shorter one may be a part of it.
    return sorted((key for key in keys if key), key=lambda key: (-len(key), key))


def _find_hung_key(name: str) -> str | None:
    """The key of `mod@<key>` or `…/mod@<key>`; null for a mod's source, which has lines."""
    key = name.partition("@")[2]  # the first sign, as strip_user_key has it: a key may be an address
    return None if "\n" in name or len(key.split()) != 1 else key.strip()


def _list_values(body: bytes, name_end: bytes, beginnings: tuple[bytes, ...]) -> Iterator[str]:
    """Each text that stands behind a name. Searching for its end is ten times as fast as one expression."""
    start = body.find(name_end)
    while start >= 0:
        end = start + len(name_end)
        if body.endswith(beginnings, 0, start) and (found := _TEXT_VALUE.match(body, end)):
            yield json.loads(found[1])
        start = body.find(name_end, end)


def _mask_quickly(body: bytes, document: TraceDocument, labels: Mapping[str, str]) -> MaskedDocument | None:
    """Only search the text, and parse again what changed: the request, where it is first. Null if that is not safe."""
    start = _STARTS_WITH_REQUEST.match(body)
    if start is None or body.find(b'"request"', start.end()) >= 0:
        return None
    if not all(map(_is_plain, labels)) or _NEEDLESS_ESCAPE.search(body):
        return None
    end = _find_end(body, start.end())
    request = _mask_all(body[:end], labels)
    if request is None:
        return None
    if any(body.find(key.encode(), end) >= 0 for key in labels):
        rest = _mask_all(body[end:], labels)
        if rest is None:
            return None
        if rest != body[end:]:
            return _reread(request + rest)
    named = validate_request(parse_json(request[start.end() :]))  # its label may make a name too long
    return MaskedDocument(request, body, end, msgspec.structs.replace(document, request=named))


def _find_end(body: bytes, start: int) -> int:
    """Where the object that begins at a place ends. Only as much is decoded as it takes."""
    size = FIRST_BYTES
    while start + size < len(body):
        text = body[start : start + size].decode(errors="ignore")  # a character may be cut in two at the end
        try:
            return start + len(text[: _DECODER.raw_decode(text)[1]].encode())
        except json.JSONDecodeError:
            size *= 2
    text = body[start:].decode()
    return start + len(text[: _DECODER.raw_decode(text)[1]].encode())


def _mask_all(body: bytes, labels: Mapping[str, str]) -> bytes | None:
    masked: bytes | None = body
    for key, label in labels.items():
        masked = None if masked is None else _mask_json(masked, key.encode(), label.encode())
    return masked


def _mask_thoroughly(body: bytes, labels: Mapping[str, str]) -> MaskedDocument:
    """Take every text of a document apart, and write those anew that a key was in; all between them stays as it is."""
    return _reread(_TEXTS.sub(_TextMasker(labels), body))


class _TextMasker:
    """Masks one text of JSON after the other, each as what it says; of one behind a name it knows that name."""

    def __init__(self, labels: Mapping[str, str]) -> None:
        self.labels = labels
        self.name = ""
        self.after_name = -1

    def __call__(self, found: re.Match[bytes]) -> bytes:
        text = found[0][1:-1].decode() if b"\\" not in found[0] else json.loads(found[0])
        name = self.name if found.start() == self.after_name else ""
        if colon := _COLON.match(found.string, found.end()):
            self.name, self.after_name = text, colon.end()
        masked = _mask(text, self.labels, name)
        return found[0] if masked == text else _dump_text(masked)


def _dump_text(text: str) -> bytes:
    try:
        return json.dumps(text, ensure_ascii=False).encode()
    except UnicodeEncodeError:  # a lone surrogate
        return json.dumps(text).encode()


def _reread(body: bytes) -> MaskedDocument:
    return keep_document(body, parse_document(body))


def _is_plain(key: str) -> bool:
    """Whether a key stands in JSON as it is, and only inside texts: no writer escapes it, and it is no number."""
    return _PLAIN.fullmatch(key) is not None


def _mask_json(body: bytes, key: bytes, label: bytes) -> bytes | None:
    """A plain key out of JSON: what `_mask_text` does to each string, done to the text of them all.

    Null where a letter that is not ASCII follows the key: whether it is one takes the text to say.
    """
    if key not in body:
        return body
    if len(key) >= LONG_KEY:
        return body.replace(key, label)
    if body.count(b"@" + key) * len(label) > MAX_GROWTH:
        raise InvalidInputError("the trace names a user's key too often")
    if re.search(rb"@" + re.escape(key) + rb"[\x80-\xff]", body):
        return None
    names = "|".join(_KEY_FIELDS).encode()
    named = re.sub(rb'("(?:' + names + rb')"\s*:\s*")' + re.escape(key) + rb'"', lambda m: m[1] + label + b'"', body)
    return re.sub(rb"@" + re.escape(key) + rb"(?![\w-])", lambda _: b"@" + label, named)


def _mask(text: str, labels: Mapping[str, str], name: str = "") -> str:
    for key, label in labels.items():
        text = _mask_text(text, key, label, name)
    return text


def _mask_text(text: str, key: str, label: str, name: str) -> str:
    if key not in text:
        return text
    if len(key) >= LONG_KEY or (text == key and name in _KEY_FIELDS):
        return text.replace(key, label)
    return _mask_hung(text, key, label)


def _mask_hung(text: str, key: str, label: str) -> str:
    return re.sub(rf"@{re.escape(key)}(?![\w-])", lambda _: f"@{label}", text)
