"""Ingest: one posted document in, one transaction, one receipt out.

Preparing is pure and takes the time (parse, score, render, compress), so the caller may do it in a thread. Storing
takes two round trips whatever the size: everything in one pipeline, then the commit.
"""

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict

from core.access.caller import Caller, ForbiddenError
from core.access.hasher import Hasher
from core.access.session import Access
from core.database.pool import checkout_transaction
from core.database.statements import notify_streams
from core.errors import ThunderError
from core.traces import rows, store
from core.traces.lists import cut_lists, forget_lists, show_lists
from core.traces.log import render_log
from core.traces.mask import MaskedDocument, mask_document
from core.traces.parse import parse_document
from core.traces.scored import ScoredTrace, score_trace
from core.zstandard import compress, compress_far

INGEST_TIMEOUT_MS = 60_000
"""A statement of an ingest that takes longer is cancelled, and nothing is stored."""


class OtherOwnerError(ThunderError):
    """The id is taken by a request that the caller may not replace."""

    status = 409


class Receipt(BaseModel):
    """What was stored."""

    model_config = ConfigDict(frozen=True)

    request_id: str
    revision: int
    replaced: bool
    sequence_confidence: float | None
    events: int
    tokens: int


@dataclass(frozen=True, slots=True)
class Frames:
    """What is stored of a trace whole: its document and its log, each a zstd frame (core.traces.lists)."""

    document: bytes
    document_bytes: int
    log: bytes


@dataclass(frozen=True, slots=True)
class PreparedTrace:
    """A trace that is known to be good, ready to be stored."""

    trace: ScoredTrace
    owner: bytes | None
    owner_label: str | None
    frames: Frames


def count_rows(prepared: PreparedTrace) -> dict[str, int]:
    """How many rows of each table a trace is."""
    trace = prepared.trace
    return {
        "requests": 1,
        "request_steps": len(trace.pairing.steps),
        "step_logit_summaries": sum(one.distribution is not None for one in trace.pairing.passes),
        "mod_calls": len(trace.document.mod_calls),
        "mod_logs": len(trace.document.mod_logs),
        "actions": len(trace.document.actions),
    }


def prepare_trace(body: bytes, hasher: Hasher) -> PreparedTrace:
    """Parse, check, mask, pair, score, render and compress one posted document.

    Raises:
        InvalidInputError: with a sentence that names the place.
    """
    document = parse_document(body)
    key = document.request.user_api_key
    masked = mask_document(body, document, hasher.label_user_key)
    trace = score_trace(masked.document)
    frames = compress_trace(masked, trace)
    forget_lists(trace.document.events)
    return PreparedTrace(
        trace=trace,
        owner=hasher.hash_user_key(key) if key else None,
        owner_label=hasher.label_user_key(key) if key else None,
        frames=frames,
    )


def compress_trace(masked: MaskedDocument, trace: ScoredTrace) -> Frames:
    """Render the log and compress it, and the document without the lists that the log has; pure.

    Args:
        masked: the document.
        trace: the same, scored.
    """
    lists = show_lists(trace.pairing)
    document = compress(cut_lists(masked, lists) or masked.body)
    return Frames(document, masked.size, compress_far(render_log(trace, lists)))


async def ingest_trace(access: Access, key: str | None, prepared: PreparedTrace) -> Receipt:
    """Store a prepared trace in one transaction; the receipt is for after its commit.

    Raises:
        UnauthorizedError: the key died while the body was on its way.
        ForbiddenError: the caller's key is bound to one user, and this is another's trace.
        OtherOwnerError: the id is taken by another owner's request.
    """
    trace = prepared.trace
    request_id = trace.document.request.request_id
    async with checkout_transaction(access.pool, timeout_ms=INGEST_TIMEOUT_MS) as conn:
        caller = await access.identify_ingest(conn, key)
        ownership = _decide_ownership(prepared, caller)
        if caller.is_admin:
            await store.hold_request(conn, request_id=request_id)
            await store.forget_former_owner(conn, request_id=request_id, owner=ownership["user_key_hmac"])
        upserted = await store.upsert_request(conn, columns={**rows.request_columns(trace), **ownership})
        await store.delete_children(conn, request_id=request_id)
        await store.insert_trace(
            conn,
            request_id=request_id,
            document=prepared.frames.document,
            document_bytes=prepared.frames.document_bytes,
            log=prepared.frames.log,
        )
        if trace.pairing.steps:
            await store.insert_steps(conn, request_id=request_id, columns=rows.step_columns(trace))
        if trace.k is not None:
            await store.insert_summaries(conn, request_id=request_id, columns=rows.summary_columns(trace))
        if trace.document.mod_calls:
            mods, blocks = rows.mod_columns(trace)
            await store.share_mods(conn)
            await store.insert_mods(conn, columns=mods)
            await store.insert_mod_blocks(conn, columns=blocks)
            await store.insert_mod_calls(conn, request_id=request_id, columns=rows.mod_call_columns(trace))
        if trace.document.mod_logs:
            await store.insert_mod_logs(conn, request_id=request_id, columns=rows.mod_log_columns(trace))
        if trace.document.actions:
            await store.insert_actions(conn, request_id=request_id, columns=rows.action_columns(trace))
        await notify_streams(conn)
        stored = await upserted.fetchone()
        if stored is None:
            raise OtherOwnerError(f"the id {request_id!r} is taken by another owner's request")
    return _make_receipt(trace, stored)


def _decide_ownership(prepared: PreparedTrace, caller: Caller) -> dict[str, Any]:
    """Whose the request will be: the user's whose key it names, else that of the key it is posted with."""
    owner, label = prepared.owner, prepared.owner_label
    if caller.owner is not None and not caller.is_admin:
        if owner not in (None, caller.owner):
            raise ForbiddenError(f"this key may only post traces of {caller.owner_label}")
        owner, label = caller.owner, caller.owner_label
    return {
        "user_key_hmac": owner,
        "user_key_label": label,
        "posted_by": caller.poster,
        "may_replace_any": caller.is_admin,
    }


def _make_receipt(trace: ScoredTrace, stored: store.StoredRequest) -> Receipt:
    return Receipt(
        request_id=trace.document.request.request_id,
        revision=stored.revision,
        replaced=stored.revision > 1,
        sequence_confidence=trace.sequence.sequence_confidence,
        events=len(trace.document.events),
        tokens=len(trace.tokens),
    )
