"""Replace user API keys with labels before a document is stored.

A key is masked where the engine writes one: as the value of a field that names a user, and in `mod@<key>`. A key of
LONG_KEY characters or more is also masked in every text, and in JSON inside a text.

The document is searched as bytes. Only texts that can contain a key are decoded, and only texts that contain one are
rewritten. All other bytes stay as posted and are never copied.
"""

import heapq
import itertools
import re
from array import array
from collections.abc import Callable, Collection, Container, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

import msgspec

from core.access.hasher import LONG_KEY
from core.document.body_texts import COLON, TEXTS, find_end, find_starts, read_name, read_value, write_text
from core.document.key_masker import KeyMasker
from core.document.parse import parse_document
from core.document.schema import TraceDocument
from core.errors import InvalidInputError

MAX_KEYS = 50
"""Maximum user API keys in one document. A trace has one, and sometimes one per mod."""
FEW_BACKSLASHES = 5000
"""Number of backslashes to check individually before a regular expression searches the rest of the body."""
MIN_ANCHOR = 4
"""Minimum length of a part of a key that is rare enough to search for."""

_KEY_FIELDS = frozenset({"user_api_key", "created_by", "added_by"})
_MOD_FIELDS = frozenset({"active_mod_name", "mod_text", "mod_name", "forced_by"})
_NAME_END = re.compile(rb'y"\s*:\s*')
"""The common end of all names in _KEY_FIELDS. Searching for each name takes three times as long."""
_NAME_STARTS = (b'"user_api_ke', b'"created_b', b'"added_b')
_NEEDLESS_ESCAPE = re.compile(rb"\\u00[2-7]")
"""An unnecessary JSON escape, which may hide a character of a name or a key."""
_PLAIN_RUN = re.compile(r"[ !#-.0-\[\]-~]+")
"""Characters that JSON never needs to escape."""
_IN_TEXTS_ONLY = re.compile(r"[^\s0-9,:\[\]{}+.eEtrufalsn-]")
"""A character that occurs in JSON strings only, not in numbers, `true`, `false`, `null` or punctuation."""


@dataclass(frozen=True, slots=True)
class Edit:
    """The bytes that replace one value of the body."""

    start: int
    end: int
    text: bytes


@dataclass(frozen=True, slots=True)
class MaskedDocument:
    """A document without user API keys, as bytes to store and parsed to score.

    Attributes:
        source: the body that the edits refer to.
        edits: sorted by position, without overlaps.
        document: parsed from the edited body.
    """

    source: bytes
    edits: list[Edit]
    document: TraceDocument

    def pieces(self) -> Iterator[bytes | memoryview]:
        """Yield the document in parts, without copying the body."""
        return join_edits(self.source, self.edits)

    @property
    def body(self) -> bytes:
        """The whole document."""
        return b"".join(self.pieces()) if self.edits else self.source

    @property
    def size(self) -> int:
        """The size of the whole document in bytes."""
        return len(self.source) + sum(len(edit.text) - (edit.end - edit.start) for edit in self.edits)


def join_edits(body: bytes, edits: list[Edit]) -> Iterator[bytes | memoryview]:
    """Yield the edited body in parts."""
    source, end = memoryview(body), 0
    for edit in edits:
        yield source[end : edit.start]
        yield edit.text
        end = edit.end
    yield source[end:]


def mask_document(body: bytes, document: TraceDocument, label: Callable[[str], str]) -> MaskedDocument:
    """Replace the user API keys of a document with labels.

    Args:
        body: the document as posted.
        document: the same document, parsed.
        label: returns the label of a key.

    Raises:
        InvalidInputError: the document has too many keys, one of them occurs too often, or request_id contains one.
    """
    starts = _find_candidates(body)
    keys = _list_keys(body, starts)
    if not keys:
        return keep_document(body, document)
    if len(keys) > MAX_KEYS:
        raise InvalidInputError(f"body: has {len(keys)} user API keys; at most {MAX_KEYS} are allowed")
    masker = KeyMasker({key: label(key) for key in keys})
    request_id = document.request.request_id
    if request_id in keys or masker.mask(request_id) != request_id:
        raise InvalidInputError("request.request_id: an id can't contain a user API key; use another id")
    return _apply(body, list(_edit(body, _add_long_keys(body, starts, keys), masker)), document)


def mask_keys(body: bytes, keys: Collection[str], label: Callable[[str], str], view: bytes) -> bytes:
    """Replace known keys in any JSON with labels: long ones in every text, and short ones after an @ sign.

    Args:
        body: a text with JSON.
        keys: the keys.
        label: returns the label of a key.
        view: the body, with spaces in place of all that is not JSON.

    Raises:
        InvalidInputError: there are too many keys, or one of them occurs too often.
    """
    if len(keys) > MAX_KEYS:
        raise InvalidInputError(f"body: has {len(keys)} user API keys; at most {MAX_KEYS} are allowed")
    ordered = sorted(keys, key=lambda key: (-len(key), key))
    starts = array("Q", _merge(find_starts(view, partial(view.find, b"@")), _find_escaped(view)))
    masker = KeyMasker({key: label(key) for key in ordered})
    edits = list(_edit(view, _add_long_keys(view, starts, ordered), masker, ()))
    return b"".join(join_edits(body, edits)) if edits else body


def keep_document(body: bytes, document: TraceDocument) -> MaskedDocument:
    """Wrap a document that contains no user API key."""
    return MaskedDocument(body, [], document)


def find_keys(body: bytes) -> list[str]:
    """Return the user API keys of a document, longest first. Repeated fields are all read."""
    return _list_keys(body, _find_candidates(body))


def _find_candidates(body: bytes) -> Iterable[int]:
    """Return the start of each value that can name a key or contain a short one."""
    return array(
        "Q", _merge(_find_named_values(body), find_starts(body, partial(body.find, b"@")), _find_escaped(body))
    )


def _merge(*starts: Iterable[int]) -> Iterator[int]:
    return (start for start, _ in itertools.groupby(heapq.merge(*starts)))


def _find_named_values(body: bytes) -> Iterator[int]:
    return (found.end() for found in _NAME_END.finditer(body) if body.endswith(_NAME_STARTS, 0, found.start()))


def _find_escaped(body: bytes) -> Iterator[int]:
    """Yield the start of each text with needless escapes; if the text is a name, also the start of its value."""
    for start in find_starts(body, partial(_find_escape, body)):
        yield start
        if colon := COLON.match(body, find_end(body, start)):
            yield colon.end()


def _find_escape(body: bytes, start: int) -> int:
    """Return the next needless escape, or -1.

    If backslashes are rare, searching for the byte is thirty times as fast as a regular expression.
    """
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
    return _find_appended_key(read_value(body[start:end])) if name in _MOD_FIELDS and end > start else None


def _find_appended_key(name: str) -> str | None:
    """Return the key of `mod@<key>` or `…/mod@<key>`; None for a mod's source, which has several lines."""
    key = name.partition("@")[2]  # split at the first @, like strip_user_key, because a key may be an email address
    return None if "\n" in name or len(key.split()) != 1 else key.strip()


def _add_long_keys(body: bytes, starts: Iterable[int], keys: list[str]) -> Iterator[int]:
    """Add the texts that can contain a long key: the texts that contain its anchor, or all texts."""
    anchors = {_find_anchor(key) for key in keys if len(key) >= LONG_KEY}
    if None in anchors:
        return _merge(starts, (found.start() for found in TEXTS.finditer(body)))
    return _merge(starts, *(find_starts(body, partial(body.find, anchor)) for anchor in anchors if anchor))


def _find_anchor(key: str) -> bytes | None:
    """Return the longest part of a key that is never escaped and occurs in JSON strings only; None if too short."""
    runs = [run for run in _PLAIN_RUN.findall(key) if _IN_TEXTS_ONLY.search(run)]
    longest: str = max(runs, key=len, default="")
    return longest.encode() if len(longest) >= MIN_ANCHOR else None


def _edit(
    body: bytes, starts: Iterable[int], masker: KeyMasker, fields: Container[str] = _KEY_FIELDS
) -> Iterator[Edit]:
    for start in starts:
        end = find_end(body, start)
        text = read_value(body[start:end]) if end > start else ""
        if text in masker.labels and (read_name(body, start) or "").lower() in fields:
            masked = masker.labels[text]
        else:
            masked = masker.mask(text) if body.startswith(b'"', start) else text
        if masked != text:
            yield Edit(start, end, write_text(masked))


def _apply(body: bytes, edits: list[Edit], document: TraceDocument) -> MaskedDocument:
    """Parse the edited document, or only its request if nothing after the request changed."""
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
    """Parse the part before the events; None unless it is exactly the request."""
    try:
        document = parse_document(head.rstrip(b" \t\r\n,") + b"}")
    except InvalidInputError:
        return None
    return document if document == TraceDocument(request=document.request) else None
