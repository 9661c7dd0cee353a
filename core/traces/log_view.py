"""Views of a stored document for one reader: the document, or the log derived from it."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import orjson

from core.access.hasher import Hasher, strip_labels
from core.activations.token_features import TokenFeatures
from core.document.formats import require_known_format
from core.traces.kept import read_kept
from core.traces.log import render_log
from core.traces.log_cache import CachedLog
from core.traces.log_rows import LogState
from core.traces.store import StoredLog
from core.wire.json_text import change_parts
from core.wire.zstandard import compress, decompress, iterate_decompressed, prepend, read_size

LABEL_END = re.compile(rb"(?:\xe2\x80\xa6|\\u2026)#[0-9a-f]{12}")
"""The end of a label in JSON. Some engines escape non-ASCII characters."""
SHARED = "request"
"""The purpose that share tokens of single requests are derived for."""


@dataclass(frozen=True, slots=True)
class PackedJson:
    """JSON text whose end is compressed. Packing and unpacking are CPU-bound.

    Attributes:
        frame: the end of the text, as one zstd frame.
        start: the text before the frame, uncompressed.
        pieces: the content of the frame, if it is known.
    """

    frame: bytes
    start: bytes = b""
    pieces: tuple[bytes, ...] = ()

    def pack(self) -> bytes:
        """Return the whole text as one zstd frame, without unpacking `frame`."""
        return prepend(self.start, self.frame) if self.start else self.frame

    def unpack(self) -> bytes:
        """Return the whole text, uncompressed."""
        pieces = self.pieces or (decompress(self.frame),)
        return b"".join((self.start, *pieces) if self.start else pieces)

    def iterate(self, most: int) -> Iterator[bytes]:
        """Unpack the text in pieces, new ones of at most this many bytes; `start` is the first one."""
        if self.start:
            yield self.start
        yield from self.pieces or iterate_decompressed(self.frame, most)

    @property
    def size(self) -> int | None:
        """The length of the whole text in bytes, or None if the frame does not give it."""
        size = read_size(self.frame)
        return None if size is None else len(self.start) + size


@dataclass(frozen=True, slots=True)
class LogView:
    """A log for one reader, not rendered yet.

    Attributes:
        version: the version of everything the reader sees, for an ETag.
        is_known: whether the client has this version already, so that nothing needs rendering.
        cache_key: the log's key in the process's cache of rendered logs.
        is_owned: whether the request belongs to the reader. Other readers see no labels.
        document_version: the version of the document and of this view.
        start: the members that change after ingest, as the start of a JSON object.
        format: the format of the document.
        choice: the position of the answer in the document.
        document: the document's frame; None if `cached` makes it unnecessary.
        cached: the rendered log, if this process has it.
    """

    version: str
    is_known: bool
    cache_key: str
    is_owned: bool
    document_version: str
    start: bytes
    format: int
    choice: int
    document: bytes | None
    cached: CachedLog | None

    @property
    def kind(self) -> tuple[int, int, bool]:
        """The arguments of `render_document` after the document."""
        return self.format, self.choice, self.is_owned


def render_document(document: bytes, number: int, choice: int, is_owned: bool) -> bytes:  # noqa: FBT001 - by position
    """Derive the log from the document's frame: parse, pair, score, render, compress. Pure."""
    return compress_members(_render_members(document, number, choice, is_owned=is_owned))


def render_unpacked(document: bytes, number: int, choice: int, is_owned: bool, start: bytes) -> bytes:  # noqa: FBT001 - as above
    """Derive the log as uncompressed text that begins with `start`. Pure."""
    return b"".join([start, *_render_members(document, number, choice, is_owned=is_owned)])


def compress_members(members: Iterable[bytes | memoryview]) -> bytes:
    """Compress the members of a log that don't change after ingest."""
    return compress(members, far=True)


def _render_members(document: bytes, number: int, choice: int, *, is_owned: bool) -> Iterable[bytes | memoryview]:
    pieces = render_log(read_kept(decompress(document), number, choice))
    return pieces if is_owned else [strip_members(b"".join(pieces))]


def view_log(
    stored: StoredLog,
    hasher: Hasher,
    *,
    cache_key: str,
    held: list[CachedLog],
    activations: TokenFeatures | None = None,
) -> LogView:
    """Build a reader's view of a log. Readers other than the owner see no labels, no share token and no activations.

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
        start=orjson.dumps(_read_state(stored, hasher, activations))[:-1] + b",",
        format=stored.format,
        choice=stored.choice,
        document=stored.document,
        cached=next(cached, None),
    )


def _read_state(stored: StoredLog, hasher: Hasher, activations: TokenFeatures | None) -> LogState:
    token = None
    if stored.is_owned and stored.is_public and stored.share_nonce is not None:
        token = hasher.recover_share_token(SHARED, stored.id, stored.share_nonce)
    return {
        "request_id": stored.request_id,
        "created_ts": stored.created_at,
        "revision": stored.revision,
        "user_api_key": stored.user_key_label if stored.is_owned else None,
        "is_public": stored.is_public,
        "public_token": token,
        "public_expires_at": stored.share_expires_at if stored.is_owned and stored.is_public else None,
        "favorited_by": stored.favorited_by if stored.is_owned else [],
        "tags": stored.tags if stored.is_owned else [strip_labels(tag) for tag in stored.tags],
        "discussion_count": stored.discussion_count if stored.is_owned else 0,
        "activations": activations,
        "source": stored.source,
        "group_id": stored.group_id,
        "p_correct": stored.p_correct,
        "calibrator": stored.calibrator,
    }


def strip_members(members: bytes) -> bytes:
    """Remove users' labels from the members of a log. The members lack the outer opening brace."""
    if not LABEL_END.search(members):
        return members
    return orjson.dumps(change_parts(orjson.loads(b"{" + members), _strip))[1:]


def _strip(part: object) -> object:
    return strip_labels(part) if isinstance(part, str) else part
