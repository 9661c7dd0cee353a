"""Replace users' keys with labels before a document is stored.

A key is masked where the engine puts one: as the value of a field that names a user, and in `mod@<key>`. A key of
LONG_KEY characters or more is no word, so it is masked in every text, and in JSON inside a text.

A document is searched as bytes. Only the texts in which a key can occur are decoded, and only the texts that held one
are written anew. Everything else stays as it was posted, byte for byte, and is never copied.
"""

import heapq
import itertools
import re
from array import array
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

import msgspec

from core.document.body_texts import COLON, TEXTS, find_end, find_starts, read_name, read_value, write_text
from core.document.key_masker import LONG_KEY, KeyMasker
from core.document.parse import parse_document
from core.document.schema import TraceDocument
from core.errors import InvalidInputError

MAX_KEYS = 50
"""Users' keys in one document. A trace has one, and perhaps one per mod."""
FEW_BACKSLASHES = 5000
"""How many are looked at one by one before an expression, which reads slowly but never stops, searches the rest."""
MIN_ANCHOR = 4
"""Characters of a part of a key that is rare enough to be searched for."""

_KEY_FIELDS = frozenset({"user_api_key", "created_by", "added_by"})
_MOD_FIELDS = frozenset({"active_mod_name", "mod_text", "mod_name", "forced_by"})
_NAME_END = re.compile(rb'y"\s*:\s*')
"""What all names of _KEY_FIELDS end in. A search for each name takes three times as long."""
_NAME_STARTS = (b'"user_api_ke', b'"created_b', b'"added_b')
_NEEDLESS_ESCAPE = re.compile(rb"\\u00[2-7]")
"""An escape that no JSON writer needs: names and keys can be spelled with it."""
_PLAIN_RUN = re.compile(r"[ !#-.0-\[\]-~]+")
"""What no JSON writer needs to escape."""
_IN_TEXTS_ONLY = re.compile(r"[^\s0-9,:\[\]{}+.eEtrufalsn-]")
"""A character that JSON has nowhere but in texts: not in numbers, in `true`, `false` and `null`, or around them."""


@dataclass(frozen=True, slots=True)
class Edit:
    """The bytes that replace a value of the body."""

    start: int
    end: int
    text: bytes


@dataclass(frozen=True, slots=True)
class MaskedDocument:
    """A document without users' keys: its bytes to store, and the same parsed, to score.

    Attributes:
        source: the body that the edits refer to.
        edits: in the order of the body, without overlaps.
        document: parsed from the edited body.
    """

    source: bytes
    edits: list[Edit]
    document: TraceDocument

    def pieces(self) -> Iterator[bytes | memoryview]:
        """Yield the document in parts, without a copy of the body."""
        source, end = memoryview(self.source), 0
        for edit in self.edits:
            yield source[end : edit.start]
            yield edit.text
            end = edit.end
        yield source[end:]

    @property
    def body(self) -> bytes:
        """The whole document."""
        return b"".join(self.pieces()) if self.edits else self.source

    @property
    def size(self) -> int:
        """Bytes of the whole document."""
        return len(self.source) + sum(len(edit.text) - (edit.end - edit.start) for edit in self.edits)


def mask_document(body: bytes, document: TraceDocument, label: Callable[[str], str]) -> MaskedDocument:
    """Replace the users' keys of a document with labels.

    Args:
        body: the document as posted.
        document: the same document, parsed.
        label: makes the label of a key.

    Raises:
        InvalidInputError: the document names too many keys, or one of them too often.
    """
    starts = _find_candidates(body)
    keys = _list_keys(body, starts)
    if not keys:
        return keep_document(body, document)
    if len(keys) > MAX_KEYS:
        raise InvalidInputError(f"the trace names {len(keys)} users' keys; it may name {MAX_KEYS}")
    masker = KeyMasker({key: label(key) for key in keys})
    request_id = document.request.request_id
    if request_id in keys or masker.mask(request_id) != request_id:
        raise InvalidInputError("request.request_id: an id cannot hold a user's key")
    return _apply(body, list(_edit(body, _add_long_keys(body, starts, keys), masker)), document)


def keep_document(body: bytes, document: TraceDocument) -> MaskedDocument:
    """Return a document that names no user's key."""
    return MaskedDocument(body, [], document)


def find_keys(body: bytes) -> list[str]:
    """Return the users' keys that a document names, wherever it repeats a field; longest first."""
    return _list_keys(body, _find_candidates(body))


def _find_candidates(body: bytes) -> Iterable[int]:
    """Return where each value begins that can name a key or hold a short one."""
    return array(
        "Q", _merge(_find_named_values(body), find_starts(body, partial(body.find, b"@")), _find_escaped(body))
    )


def _merge(*starts: Iterable[int]) -> Iterator[int]:
    return (start for start, _ in itertools.groupby(heapq.merge(*starts)))


def _find_named_values(body: bytes) -> Iterator[int]:
    return (found.end() for found in _NAME_END.finditer(body) if body.endswith(_NAME_STARTS, 0, found.start()))


def _find_escaped(body: bytes) -> Iterator[int]:
    """Yield the texts with needless escapes, and the values of those that are names."""
    for start in find_starts(body, partial(_find_escape, body)):
        yield start
        if colon := COLON.match(body, find_end(body, start)):
            yield colon.end()


def _find_escape(body: bytes, start: int) -> int:
    """Return the next needless escape. Looking for a byte is thirty times as fast as an expression, if it is rare."""
    for _ in range(FEW_BACKSLASHES):
        start = body.find(b"\\", start)
        if start < 0 or _NEEDLESS_ESCAPE.match(body, start):
            return start
        start += 1
    found = _NEEDLESS_ESCAPE.search(body, start)
    return found.start() if found else -1


def _list_keys(body: bytes, starts: Iterable[int]) -> list[str]:
    keys = {_read_key(body, start) for start in starts}
    return sorted((key for key in keys if key), key=lambda key: (-len(key), key))


def _read_key(body: bytes, start: int) -> str | None:
    name, end = read_name(body, start), find_end(body, start)
    if name in _KEY_FIELDS:
        return read_value(body[start:end]) if end > start else None
    return _find_hung_key(read_value(body[start:end])) if name in _MOD_FIELDS and end > start else None


def _find_hung_key(name: str) -> str | None:
    """Return the key of `mod@<key>` or `…/mod@<key>`; None for a mod's source, which has lines."""
    key = name.partition("@")[2]  # the first sign, as strip_user_key has it: a key may be an address
    return None if "\n" in name or len(key.split()) != 1 else key.strip()


def _add_long_keys(body: bytes, starts: Iterable[int], keys: list[str]) -> Iterator[int]:
    """Add the texts that can hold a long key: those with its anchor, or all of them."""
    anchors = {_find_anchor(key) for key in keys if len(key) >= LONG_KEY}
    if None in anchors:
        return _merge(starts, (found.start() for found in TEXTS.finditer(body)))
    return _merge(starts, *(find_starts(body, partial(body.find, anchor)) for anchor in anchors if anchor))


def _find_anchor(key: str) -> bytes | None:
    """Return the longest part of a key that stands in JSON as it is, and in texts only; None if it is not rare."""
    runs = [run for run in _PLAIN_RUN.findall(key) if _IN_TEXTS_ONLY.search(run)]
    longest: str = max(runs, key=len, default="")
    return longest.encode() if len(longest) >= MIN_ANCHOR else None


def _edit(body: bytes, starts: Iterable[int], masker: KeyMasker) -> Iterator[Edit]:
    for start in starts:
        end = find_end(body, start)
        text = read_value(body[start:end]) if end > start else ""
        if text in masker.labels and read_name(body, start) in _KEY_FIELDS:
            masked = masker.labels[text]
        else:
            masked = masker.mask(text) if body.startswith(b'"', start) else text
        if masked != text:
            yield Edit(start, end, write_text(masked))


def _apply(body: bytes, edits: list[Edit], document: TraceDocument) -> MaskedDocument:
    """Parse the edited document; only its request if nothing behind the request changed."""
    if not edits:
        return keep_document(body, document)
    masked = MaskedDocument(body, edits, document)
    cut = body.find(b'"events"', edits[-1].end)
    if cut > 0 and (posted := _parse_head(body[:cut])) and posted.request == document.request:
        head = _parse_head(MaskedDocument(body[:cut], edits, document).body)
        if head is not None:
            return MaskedDocument(body, edits, msgspec.structs.replace(document, request=head.request))
    whole = masked.body
    return keep_document(whole, parse_document(whole))


def _parse_head(head: bytes) -> TraceDocument | None:
    """Parse what stands in front of the events; None if that is more than the request, or not all of it."""
    try:
        document = parse_document(head.rstrip(b" \t\r\n,") + b"}")
    except InvalidInputError:
        return None
    return document if document == TraceDocument(request=document.request) else None
