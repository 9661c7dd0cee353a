"""What a reader sees of a stored document: the document itself, or the log that is derived from it."""

import re
from dataclasses import dataclass
from typing import Any

import orjson

from core.access.hasher import Hasher, strip_labels
from core.document.formats import require_known_format
from core.document.parse import parse_document
from core.pairing.scored_trace import score_trace
from core.traces.log import render_log
from core.traces.log_cache import CachedLog
from core.traces.store import StoredLog
from core.wire.zstandard import compress, decompress, prepend

LABEL_END = re.compile(rb"(?:\xe2\x80\xa6|\\u2026)#[0-9a-f]{12}")
"""In JSON: engines escape what is not ASCII."""
SHARED = "request"
"""The purpose that share tokens of single requests are derived for."""


@dataclass(frozen=True, slots=True)
class PackedJson:
    """JSON that ends in a zstd frame. Packing and unpacking take the processor a while.

    Attributes:
        frame: the end of the text, as one zstd frame.
        start: the text in front of it.
    """

    frame: bytes
    start: bytes = b""

    def pack(self) -> bytes:
        """Return one zstd frame of the whole text, without unpacking the one there is."""
        return prepend(self.start, self.frame) if self.start else self.frame

    def unpack(self) -> bytes:
        """Return the text."""
        return self.start + decompress(self.frame) if self.start else decompress(self.frame)


@dataclass(frozen=True, slots=True)
class LogView:
    """A log as one reader sees it, not rendered yet.

    Attributes:
        version: of everything the reader sees, for an ETag.
        is_known: whether the client has this version; then there is nothing to render.
        cache_key: what the process's cache of rendered logs knows it by.
        start: the members that change after ingest, as the beginning of a JSON object.
        document: the document's frame; None where `cached` makes it unnecessary.
        cached: the rendered log, if this process has kept it.
    """

    version: str
    is_known: bool
    cache_key: str
    is_owned: bool
    document_version: str
    start: bytes
    document: bytes | None
    cached: CachedLog | None


def render_document(document: bytes, is_owned: bool) -> bytes:  # noqa: FBT001 - called in another process, by position
    """Derive the log from the document's frame: parse, pair, score, render, compress. Pure."""
    pieces = render_log(score_trace(parse_document(decompress(document))))
    return compress(pieces if is_owned else [strip_members(b"".join(pieces))], far=True)


def view_log(stored: StoredLog, hasher: Hasher, *, cache_key: str, held: list[CachedLog]) -> LogView:
    """Decide what a reader sees of a log. Readers other than the owner see no labels, and no share token.

    Raises:
        NewerFormatError: a newer version of Thunder stored the document.
    """
    require_known_format(stored.format)
    cached = (log for log in held if log.version == stored.document_version and log.is_owned == stored.is_owned)
    return LogView(
        version=stored.version,
        is_known=stored.is_known,
        cache_key=cache_key,
        is_owned=stored.is_owned,
        document_version=stored.document_version,
        start=orjson.dumps(_list_changing(stored, hasher))[:-1] + b",",
        document=stored.document,
        cached=next(cached, None),
    )


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


def strip_members(members: bytes) -> bytes:
    """Remove users' labels from the members of a log, which lack the outer opening brace."""
    if not LABEL_END.search(members):
        return members
    return orjson.dumps(_strip_labels(orjson.loads(b"{" + members)))[1:]


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
