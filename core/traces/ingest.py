"""Store a posted document in one transaction, and return a receipt.

Preparing (parse, mask, score, compress) is pure and takes most of the time, so callers may run it in a thread or in
another process. Storing takes one round trip for any size: all statements in one pipeline, with the commit.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from psycopg import AsyncConnection, AsyncRawCursor
from psycopg.errors import NotNullViolation

from core.access.access import Access
from core.access.caller import Caller, ForbiddenError
from core.access.hasher import Hasher, Move
from core.document.formats import QUOTE_FORMAT
from core.document.mask import MaskedDocument, mask_document
from core.document.schema import TraceDocument
from core.errors import ThunderError
from core.traces import rows, store
from core.traces.kept import KeptTrace, keep_quote
from core.traces.log import check_log
from core.traces.rows import Columns
from core.wire.models import Frozen
from core.wire.zstandard import compress

INGEST_TIMEOUT_MS = 60_000
"""Statement timeout of an ingest. If a statement is cancelled, nothing is stored."""
MAX_WAITING_EVENTS = 1000
"""Maximum number of events of one alert that wait for delivery. At this number, ingest inserts no further events."""
PARALLEL_BYTES = 1024 * 1024
"""Size from which a document is compressed while it is scored. The second thread costs 0.6 ms of CPU time."""

_SCORERS = ThreadPoolExecutor(2, "thunder-score")


class OtherOwnerError(ThunderError):
    """The id belongs to a request that the caller may not replace."""

    status = 409


class Receipt(Frozen):
    """The answer to an ingest, sent after the commit."""

    request_id: str
    revision: int
    replaced: bool
    sequence_confidence: float | None
    p_correct: float | None
    calibrator: dict[str, int] | None
    events: int
    tokens: int
    warnings: list[str]


@dataclass(frozen=True, slots=True)
class PreparedTrace:
    """A checked and scored trace, as parameters of the statements that store it.

    Attributes:
        owner: the HMAC of the trace's user API key; None if the trace has no key.
        owner_label: the masked label of that key.
        move: the move of the owner to the present secret, while THUNDER_SECRET is rotated.
        request: the row of `requests`.
        document: the row of `request_traces`.
        arrays: the rows of `request_steps` and `step_logit_summaries`.
        mods: the rows of `mods`, `mod_blocks`, and of `mod_calls`, `mod_logs` and `actions` together; None if no mod
            was called.
        counts: the number of rows for each table.
        events: the number of posted events.
        warnings: problems that don't prevent scoring, one sentence each.
        base_id: the id that the answers of one item share. They replace everything that was stored under it. None for a
            Quote trace, which replaces only the request with its own id.
    """

    owner: bytes | None
    owner_label: str | None
    request: Columns
    document: Columns
    arrays: Columns
    mods: tuple[Columns, Columns, Columns] | None
    counts: dict[str, int]
    events: int
    warnings: list[str]
    base_id: str | None = None
    move: Move | None = None

    @property
    def request_id(self) -> str:
        """The request id from the client."""
        return self.request["request_id"]


def prepare_document(body: bytes, document: TraceDocument, hasher: Hasher) -> PreparedTrace:
    """Mask, score and compress a parsed Quote trace. Pure.

    Raises:
        InvalidInputError: a list is not a distribution, or a key can't be masked.
    """
    key = document.request.user_api_key
    masked = mask_document(body, document, hasher.label_user_key)
    owner, label = (hasher.hash_user_key(key), hasher.label_user_key(key)) if key else (None, None)
    kept, row = _score_and_compress(masked)
    return prepare_rows(
        kept,
        row,
        owner=owner,
        owner_label=label,
        move=hasher.plan_move(key),
    )


def _score_and_compress(masked: MaskedDocument) -> tuple[KeptTrace, Columns]:
    """Score in another thread while this one compresses, which releases the GIL."""
    if masked.size < PARALLEL_BYTES:
        return keep_quote(masked.document), compress_document(masked)
    scored = _SCORERS.submit(keep_quote, masked.document)
    row = compress_document(masked)
    return scored.result(), row


def compress_document(masked: MaskedDocument) -> Columns:
    """Compress a masked document, and return the row of `request_traces`."""
    frame = compress(masked.pieces())
    return {"format": QUOTE_FORMAT, "choice": 0, "document": frame, "document_bytes": masked.size}


def prepare_rows(  # noqa: PLR0913 - the parts of a request
    kept: KeptTrace,
    document: Columns,
    *,
    owner: bytes | None,
    owner_label: str | None,
    request_id: str | None = None,
    base_id: str | None = None,
    move: Move | None = None,
) -> PreparedTrace:
    """Turn a scored request into the rows of all tables.

    Args:
        kept: the request.
        document: the row of `request_traces`.
        owner: the HMAC of its user API key.
        owner_label: the label of that key.
        request_id: its id; None for the id in the document.
        base_id: the id of its item.
        move: the move of the owner to the present secret.

    Raises:
        InvalidInputError: an object in the document is nested too deeply for the log.
    """
    check_log(kept)
    trace = kept.trace
    posted = trace.document
    request_id = posted.request.request_id if request_id is None else request_id
    group_id = posted.request.group if base_id is None else None if base_id == request_id else base_id
    return PreparedTrace(
        owner=owner,
        owner_label=owner_label,
        request=rows.request_columns(kept) | {"request_id": request_id, "group_id": group_id},
        document=document,
        arrays=rows.array_columns(kept),
        mods=(*rows.mod_columns(trace), rows.activity_columns(trace)) if posted.mod_calls else None,
        counts=rows.count_rows(trace),
        events=len(posted.events),
        warnings=list(kept.facts.warnings),
        base_id=base_id,
        move=move,
    )


async def ingest_trace(access: Access, key: str | None, prepared: PreparedTrace) -> Receipt:
    """Store a prepared trace as `ingest_answers` does."""
    return (await ingest_answers(access, key, [prepared]))[0]


async def ingest_answers(
    access: Access, key: str | None, answers: list[PreparedTrace], *, on_alert: Callable[[], object] | None = None
) -> list[Receipt]:
    """Store a trace, or all answers of an item, in one transaction, and return receipts after the commit.

    Args:
        access: the database.
        key: the caller's key.
        answers: the prepared trace or answers.
        on_alert: called after the commit if the requests raised alerts, or an alert of a period is due. None: alerts
            are not evaluated.

    Raises:
        UnauthorizedError: the key was revoked or expired while the body was received.
        ForbiddenError: the caller's key is bound to one user, and the trace belongs to another.
        OtherOwnerError: the id belongs to another owner's request, or to one on legal hold.
    """
    await access.settle(answers[0].move, by=key)
    secret = (await access.hasher()).fingerprint
    try:
        async with access.ingest_session(key, timeout_ms=INGEST_TIMEOUT_MS) as (conn, caller):
            ownership = _decide_ownership(answers[0], caller)
            await _drop_group(conn, answers, ownership)
            upserted = [await _write(conn, one, ownership, caller) for one in answers]
            raised = await _finish(conn, answers, ownership, secret=secret, is_new=on_alert is not None)
    except NotNullViolation as error:
        if error.diag.column_name != "revision":
            raise
        request_id = answers[0].base_id or answers[0].request_id
        raise OtherOwnerError(
            f"request_id: {request_id!r} is the id of another owner's request, or of one on legal hold; use another id"
        ) from None
    stored = [row for cursor in upserted for row in await cursor.fetchall()]
    if on_alert is not None and sum(await raised.fetchall()):
        on_alert()
    return [_make_receipt(one, row) for one, row in zip(answers, stored, strict=True)]


async def _finish(
    conn: AsyncConnection, answers: list[PreparedTrace], ownership: dict[str, Any], *, secret: str, is_new: bool
) -> AsyncRawCursor[int]:
    """Evaluate the alerts of new requests, notify the streams, and note an owner hashed under the previous secret."""
    ids = [one.request_id for one in answers] if is_new else []
    hashed = answers[0].owner == ownership["user_key_hmac"]
    owner = {"owner": answers[0].owner if hashed else None, "owner_label": answers[0].owner_label, "secret": secret}
    return await store.FINISH_INGEST.execute(conn, request_ids=ids, most_waiting=MAX_WAITING_EVENTS, **owner)


async def _drop_group(conn: AsyncConnection, answers: list[PreparedTrace], ownership: dict[str, Any]) -> None:
    """Delete previous answers of an item that are no longer posted. A Quote trace replaces only its own request."""
    base_id = answers[0].base_id
    if base_id is not None:
        ids = [one.request_id for one in answers]
        owner = {name: ownership[name] for name in ("user_key_hmac", "posted_by", "may_replace_any")}
        await store.LOCK_GROUP.execute(conn, base_id=base_id)
        await store.DROP_GROUP.execute(conn, base_id=base_id, request_ids=ids, **owner)


async def _write(
    conn: AsyncConnection, prepared: PreparedTrace, ownership: dict[str, Any], caller: Caller
) -> AsyncRawCursor[store.StoredRequest]:
    request_id = prepared.request_id
    if caller.is_admin:
        await store.LOCK_REQUEST.execute(conn, request_id=request_id, owner=caller.owner_filter)
        await store.FORGET_PREVIOUS_OWNER.execute(conn, request_id=request_id, owner=ownership["user_key_hmac"])
    upserted = await store.UPSERT_REQUEST.execute(conn, **prepared.request, **ownership)
    await store.WRITE_DOCUMENT.execute(conn, request_id=request_id, **prepared.document)
    await write_rows(conn, prepared)
    return upserted


async def write_rows(conn: AsyncConnection, prepared: PreparedTrace) -> None:
    """Replace the rows that are derived from a stored document."""
    request_id = prepared.request_id
    await store.WRITE_ARRAYS.execute(conn, request_id=request_id, **prepared.arrays)
    if prepared.mods:
        mods, blocks, activity = prepared.mods
        await store.SHARE_MODS.execute(conn)
        await store.INSERT_MODS.execute(conn, **mods)
        await store.INSERT_MOD_BLOCKS.execute(conn, **blocks)
        await store.INSERT_MOD_ACTIVITY.execute(conn, request_id=request_id, **activity)


def _decide_ownership(prepared: PreparedTrace, caller: Caller) -> dict[str, Any]:
    """Return the owner: the user of the trace's user API key, else the user that the caller's key is bound to."""
    owner, label = prepared.owner, prepared.owner_label
    if caller.owner is not None and not caller.is_admin:
        if owner not in (None, caller.owner, caller.previous_owner):
            raise ForbiddenError(
                f"request.user_api_key: belongs to another user; with this key, post traces of {caller.owner_label}"
            )
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
        p_correct=stored.p_correct,
        calibrator=stored.calibrator,
        events=prepared.events,
        tokens=prepared.request["tokens"],
        warnings=prepared.warnings,
    )
