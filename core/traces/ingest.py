"""Store a posted document in one transaction, and return a receipt.

Preparing (parse, mask, score, compress) is pure and takes most of the time, so callers may run it in a thread or in
another process. Storing takes one round trip for any size: all statements in one pipeline, with the commit.
"""

from dataclasses import dataclass
from typing import Any

from psycopg import AsyncConnection
from psycopg.errors import NotNullViolation
from pydantic import BaseModel, ConfigDict

from core.access.caller import Caller, ForbiddenError
from core.access.hasher import Hasher
from core.access.session import Access
from core.database.statements import NOTIFY_STREAMS
from core.document.formats import QUOTE_FORMAT
from core.document.mask import MaskedDocument, mask_document
from core.document.parse import parse_document
from core.errors import ThunderError
from core.pairing.scored_trace import ScoredTrace, score_trace
from core.traces import rows, store
from core.traces.log import check_log
from core.traces.rows import Columns
from core.wire.zstandard import compress

INGEST_TIMEOUT_MS = 60_000
"""Statement timeout of an ingest. If one is cancelled, nothing is stored."""


class OtherOwnerError(ThunderError):
    """The id belongs to a request that the caller may not replace."""

    status = 409


class Receipt(BaseModel):
    """The answer to an ingest, sent after the commit."""

    model_config = ConfigDict(frozen=True)

    request_id: str
    revision: int
    replaced: bool
    sequence_confidence: float | None
    events: int
    tokens: int


@dataclass(frozen=True, slots=True)
class PreparedTrace:
    """A checked and scored trace, as parameters of the statements that store it.

    Attributes:
        owner: the HMAC of the trace's user API key; None if the trace has no key.
        owner_label: the masked label of that key.
        request: the row of `requests`.
        document: the row of `request_traces`.
        arrays: the rows of `request_steps` and `step_logit_summaries`.
        mods: the rows of `mods`, `mod_blocks` and `mod_calls`; None if no mod was called.
        mod_logs: the rows of `mod_logs`; None if there are no rows.
        actions: the rows of `actions`; None if there are no rows.
        counts: the number of rows for each table.
        events: the number of posted events.
    """

    owner: bytes | None
    owner_label: str | None
    request: Columns
    document: Columns
    arrays: Columns
    mods: tuple[Columns, Columns, Columns] | None
    mod_logs: Columns | None
    actions: Columns | None
    counts: dict[str, int]
    events: int

    @property
    def request_id(self) -> str:
        """The request id from the client."""
        return self.request["request_id"]


def prepare_trace(body: bytes, hasher: Hasher) -> PreparedTrace:
    """Parse, check, mask, score and compress one posted document. Pure.

    Raises:
        InvalidInputError: the document is not valid; the message names the field.
    """
    document = parse_document(body)
    key = document.request.user_api_key
    masked = mask_document(body, document, hasher.label_user_key)
    owner, label = (hasher.hash_user_key(key), hasher.label_user_key(key)) if key else (None, None)
    return prepare_rows(score_trace(masked.document), compress_document(masked), owner=owner, owner_label=label)


def compress_document(masked: MaskedDocument) -> Columns:
    """Compress a masked document, and return the row of `request_traces`."""
    frame = compress(masked.pieces())
    return {"format": QUOTE_FORMAT, "document": frame, "document_bytes": masked.size}


def prepare_rows(
    trace: ScoredTrace, document: Columns, *, owner: bytes | None, owner_label: str | None
) -> PreparedTrace:
    """Turn a scored trace into the rows of all tables.

    Raises:
        InvalidInputError: an object in the document is nested too deeply for the log.
    """
    check_log(trace)
    posted = trace.document
    return PreparedTrace(
        owner=owner,
        owner_label=owner_label,
        request=rows.request_columns(trace),
        document=document,
        arrays=rows.array_columns(trace),
        mods=(*rows.mod_columns(trace), rows.mod_call_columns(trace)) if posted.mod_calls else None,
        mod_logs=rows.mod_log_columns(trace) if posted.mod_logs else None,
        actions=rows.action_columns(trace) if posted.actions else None,
        counts=rows.count_rows(trace),
        events=len(posted.events),
    )


async def ingest_trace(access: Access, key: str | None, prepared: PreparedTrace) -> Receipt:
    """Store a prepared trace in one transaction, and return a receipt after the commit.

    Raises:
        UnauthorizedError: the key was revoked or expired while the body was received.
        ForbiddenError: the caller's key is bound to one user, and the trace belongs to another.
        OtherOwnerError: the id belongs to another owner's request, or to one on legal hold.
    """
    request_id = prepared.request_id
    try:
        async with access.ingest_session(key, timeout_ms=INGEST_TIMEOUT_MS) as (conn, caller):
            ownership = _decide_ownership(prepared, caller)
            if caller.is_admin:
                await store.LOCK_REQUEST.execute(conn, request_id=request_id)
                await store.FORGET_FORMER_OWNER.execute(conn, request_id=request_id, owner=ownership["user_key_hmac"])
            upserted = await store.UPSERT_REQUEST.execute(conn, **prepared.request, **ownership)
            await store.WRITE_DOCUMENT.execute(conn, request_id=request_id, **prepared.document)
            await write_rows(conn, prepared)
            await NOTIFY_STREAMS.execute(conn)
    except NotNullViolation as error:
        if error.diag.column_name != "revision":
            raise
        raise OtherOwnerError(
            f"request_id: {request_id!r} is another owner's request, or one on legal hold; use another id"
        ) from None
    (stored,) = await upserted.fetchall()
    return _make_receipt(prepared, stored)


async def write_rows(conn: AsyncConnection, prepared: PreparedTrace) -> None:
    """Replace the rows that are derived from a stored document."""
    request_id = prepared.request_id
    await store.DELETE_CHILDREN.execute(conn, request_id=request_id)
    await store.WRITE_ARRAYS.execute(conn, request_id=request_id, **prepared.arrays)
    if prepared.mods:
        mods, blocks, calls = prepared.mods
        await store.SHARE_MODS.execute(conn)
        await store.INSERT_MODS.execute(conn, **mods)
        await store.INSERT_MOD_BLOCKS.execute(conn, **blocks)
        await store.INSERT_MOD_CALLS.execute(conn, request_id=request_id, **calls)
    if prepared.mod_logs:
        await store.INSERT_MOD_LOGS.execute(conn, request_id=request_id, **prepared.mod_logs)
    if prepared.actions:
        await store.INSERT_ACTIONS.execute(conn, request_id=request_id, **prepared.actions)


def _decide_ownership(prepared: PreparedTrace, caller: Caller) -> dict[str, Any]:
    """Set the owner: the user of the trace's user API key, else the user that the caller's key is bound to."""
    owner, label = prepared.owner, prepared.owner_label
    if caller.owner is not None and not caller.is_admin:
        if owner not in (None, caller.owner):
            raise ForbiddenError(f"request.user_api_key: this API key may only post traces of {caller.owner_label}")
        owner, label = caller.owner, caller.owner_label
    return {
        "user_key_hmac": owner,
        "user_key_label": label,
        "posted_by": caller.poster,
        "may_replace_any": caller.is_admin,
    }


def _make_receipt(prepared: PreparedTrace, stored: store.StoredRequest) -> Receipt:
    return Receipt(
        request_id=prepared.request_id,
        revision=stored.revision,
        replaced=stored.revision > 1,
        sequence_confidence=prepared.request["sequence_confidence"],
        events=prepared.events,
        tokens=prepared.request["tokens"],
    )
