"""The statements of shares, and the types of their rows."""

from datetime import datetime

from core.database.query import Row, query
from core.traces.store import StoredLog


class ShareRow(Row):
    """The share state of a request."""

    id: int
    share_nonce: bytes | None
    share_expires_at: datetime | None
    is_public: bool


class PreviewRow(Row):
    """The preview of a link.

    Attributes:
        final_text: truncated.
        version: the version of the document, as in core.traces.log_cache.
        format: the format of the document.
        choice: the position of the answer in the document.
        document: one zstd frame; None if the process has read this version.
    """

    model: str | None
    final_text: str | None
    sequence_confidence: float | None
    sequence_confidence_is_bound: bool | None
    version: str
    format: int
    choice: int
    document: bytes | None


LOCK_SHARE = query("shares/lock_share", ShareRow)
SET_SHARE = query("shares/set_share")
GET_PREVIEW = query("shares/get_preview", PreviewRow, is_binary=True)
GET_SHARED_LOG = query("shares/get_shared_log", StoredLog, is_binary=True)
