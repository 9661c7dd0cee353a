"""What leaves of a stored log or document: zstd frames as they lie in the database, and what may change before them."""

import re
from dataclasses import dataclass
from typing import Any

import orjson

from core.access.hasher import Hasher, strip_labels
from core.traces.lists import assemble
from core.traces.store import StoredLog
from core.zstandard import compress, decompress, prepend

LABEL_END = re.compile(rb"(?:\xe2\x80\xa6|\\u2026)#[0-9a-f]{12}")
"""In JSON: an engine's writer, or ours of former times, escapes what is not ASCII."""
SHARED = "request"
"""What a share token of a single request is derived for."""


@dataclass(frozen=True, slots=True)
class StoredJson:
    """JSON whose larger part is compressed. Both ways out take the processor a while.

    Attributes:
        frame: the end of the text, as one zstd frame.
        changing: the text in front of it.
        strips_labels: whether users' labels that stand in the frame are left out.
    """

    frame: bytes
    changing: bytes = b""
    strips_labels: bool = False

    def pack(self) -> bytes:
        """As one zstd frame; the stored one is not unpacked."""
        if self.strips_labels:
            plain = decompress(self.frame)
            if LABEL_END.search(plain):  # a label stands where a text held a key
                return compress(self.changing + _strip_members(plain))
        return prepend(self.changing, self.frame) if self.changing else self.frame

    def unpack(self) -> bytes:
        """As plain JSON."""
        plain = decompress(self.frame)
        if self.strips_labels and LABEL_END.search(plain):
            plain = _strip_members(plain)
        return self.changing + plain


@dataclass(frozen=True, slots=True)
class PostedJson:
    """A document as it was posted, in the two frames that hold it (core.traces.lists)."""

    document_frame: bytes
    log_frame: bytes

    def pack(self) -> bytes:
        """As one zstd frame."""
        return compress(self.unpack())

    def unpack(self) -> bytes:
        """As plain JSON."""
        return assemble(self.document_frame, self.log_frame)


@dataclass(frozen=True, slots=True)
class VersionedLog:
    """A log, or that the client has this version of it: then it is null."""

    version: str
    log: StoredJson | None


def show_log(stored: StoredLog, hasher: Hasher) -> VersionedLog:
    """The log as its reader sees it. Whoever does not own it is told no key, and no token but the one that they had."""
    if stored.log is None:
        return VersionedLog(stored.version, None)
    changing = orjson.dumps(_list_changing(stored, hasher))[:-1] + b","
    return VersionedLog(stored.version, StoredJson(stored.log, changing, strips_labels=not stored.is_owned))


def _list_changing(stored: StoredLog, hasher: Hasher) -> dict[str, Any]:
    token = None
    if stored.is_owned and stored.is_public and stored.share_nonce is not None:
        token = hasher.derive_share_token(SHARED, stored.id, stored.share_nonce)
    return {
        "request_id": stored.request_id,
        "created_ts": stored.created_at,
        "revision": stored.revision,
        "user_api_key": stored.user_key_label if stored.is_owned else None,
        "is_public": stored.is_public,
        "public_token": token,
        "favorited_by": stored.favorited_by if stored.is_owned else [],
        "tags": stored.tags if stored.is_owned else [strip_labels(tag) for tag in stored.tags],
        "discussion_count": stored.discussion_count if stored.is_owned else 0,
    }


def _strip_members(log: bytes) -> bytes:
    """The members of the log (core.traces.log leaves out the brace that opens them) without labels."""
    return orjson.dumps(_strip_labels(orjson.loads(b"{" + log)))[1:]


def _strip_labels(value: Any) -> Any:  # noqa: ANN401 - JSON
    match value:
        case str():
            return strip_labels(value)
        case dict():
            return {strip_labels(name): _strip_labels(part) for name, part in value.items()}
        case list():
            return [_strip_labels(part) for part in value]
        case _:
            return value
