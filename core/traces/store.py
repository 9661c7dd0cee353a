"""The statements of traces, and the types of their rows."""

from core.database.query import Row, query
from core.wire.timestamp import UtcMoment


class StoredRequest(Row):
    """The result of an upsert. Revision 1 is a new request; a higher one replaced the previous revision."""

    id: int
    revision: int
    p_correct: float | None
    calibrator: dict[str, int] | None


class StoredLog(Row):
    """A request for one reader.

    Attributes:
        is_owned: whether the request belongs to the reader.
        version: the version of everything that this reader sees.
        document_version: the version of the document and of this view.
        is_known: whether the client has this version.
        has_run: whether a run of the activations page, which only the owner sees, is linked to the request.
        format: the format of the document.
        choice: the position of the answer in the document.
        document: one zstd frame; None if the client or the process already has the rendered log.
    """

    request_id: str
    id: int
    created_at: UtcMoment
    revision: int
    is_owned: bool
    user_key_label: str | None
    share_nonce: bytes | None
    share_expires_at: UtcMoment | None
    is_public: bool
    favorited_by: list[str]
    tags: list[str]
    discussion_count: int
    source: str
    group_id: str | None
    p_correct: float | None
    calibrator: dict[str, int] | None
    version: str
    document_version: str
    is_known: bool
    has_run: bool
    format: int
    choice: int
    document: bytes | None


class Ownership(Row):
    """The owner of a request, or None if it belongs to the admins."""

    user_key_hmac: bytes | None


class OutdatedRow(Row):
    """A request that was scored by another version, with its document."""

    id: int
    request_id: str
    sequence_confidence: float | None
    format: int
    choice: int
    document: bytes


class StoredDocument(Row):
    """A document: its owner, its format, the position of the answer in it, and the zstd frame that holds it."""

    user_key_hmac: bytes | None
    p_correct: float | None
    calibrator: dict[str, int] | None
    format: int
    choice: int
    document: bytes


UPSERT_REQUEST = query("traces/upsert_request", StoredRequest)
FORGET_PREVIOUS_OWNER = query("traces/forget_previous_owner")
COUNT_GROUP = query("traces/count_group", int)
LOCK_GROUP = query("traces/lock_group")
DROP_GROUP = query("traces/drop_group")
FINISH_INGEST = query("traces/finish_ingest", int)
WRITE_DOCUMENT = query("traces/write_document")
WRITE_ARRAYS = query("traces/write_arrays")
SHARE_MODS = query("traces/share_mods")
INSERT_MODS = query("traces/insert_mods")
INSERT_MOD_BLOCKS = query("traces/insert_mod_blocks")
INSERT_MOD_ACTIVITY = query("traces/insert_mod_activity")
GET_LOG = query("traces/get_log", StoredLog, is_binary=True)
COUNT_OUTDATED = query("traces/count_outdated", int)
LOCK_OUTDATED = query("traces/lock_outdated", OutdatedRow, is_binary=True)
RECALIBRATE = query("traces/recalibrate", int)
UPDATE_SCORES = query("traces/update_scores")
FIND_OWNER = query("traces/find_owner", Ownership)
LOCK_REQUEST = query("traces/lock_request", int)
GET_DOCUMENT = query("traces/get_document", StoredDocument, is_binary=True)
