"""Ingest: one posted document in, one transaction, one receipt out.

Preparing is pure and takes the time (parse, score, render, compress), so the caller may do it in a thread. Storing
takes two round trips whatever the size: everything in one pipeline, then the commit.
"""

from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

from core.database import statements
from core.database.pool import Pool, checkout
from core.traces import rows, store
from core.traces.log import render_log
from core.traces.parse import parse_document
from core.traces.scored import ScoredTrace, score_trace
from core.zstandard import compress

INGEST_TIMEOUT_MS = 60_000
"""A statement of an ingest that takes longer is cancelled, and nothing is stored."""


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
class PreparedTrace:
    """A trace that is known to be good, ready to be stored."""

    trace: ScoredTrace
    document: bytes
    document_bytes: int
    log: bytes


def prepare_trace(body: bytes) -> PreparedTrace:
    """Parse, check, pair, score, render and compress one posted document.

    Raises:
        InvalidInputError: with a sentence that names the place.
    """
    trace = score_trace(parse_document(body))
    return PreparedTrace(trace, compress(body), len(body), compress(render_log(trace)))


async def store_trace(pool: Pool, prepared: PreparedTrace) -> Receipt:
    """Store a prepared trace in one transaction; the receipt is for after its commit."""
    trace = prepared.trace
    request_id = trace.document.request.request_id
    async with checkout(pool) as conn, conn.pipeline(), conn.transaction():
        await statements.set_timeout(conn, milliseconds=INGEST_TIMEOUT_MS)
        upserted = await store.upsert_request(conn, columns=rows.request_columns(trace))
        await store.delete_children(conn, request_id=request_id)
        await store.insert_trace(
            conn,
            request_id=request_id,
            document=prepared.document,
            document_bytes=prepared.document_bytes,
            log=prepared.log,
        )
        if trace.pairing.steps:
            await store.insert_steps(conn, request_id=request_id, columns=rows.step_columns(trace))
        if trace.k is not None:
            await store.insert_summaries(conn, request_id=request_id, columns=rows.summary_columns(trace))
        if trace.document.mod_calls:
            mods, blocks = rows.mod_columns(trace)
            await store.insert_mods(conn, columns=mods)
            await store.insert_mod_blocks(conn, columns=blocks)
            await store.insert_mod_calls(conn, request_id=request_id, columns=rows.mod_call_columns(trace))
        if trace.document.mod_logs:
            await store.insert_mod_logs(conn, request_id=request_id, columns=rows.mod_log_columns(trace))
        if trace.document.actions:
            await store.insert_actions(conn, request_id=request_id, columns=rows.action_columns(trace))
        stored = await upserted.fetchone()
    return _make_receipt(trace, stored)


def _make_receipt(trace: ScoredTrace, stored: store.StoredRequest | None) -> Receipt:
    if stored is None:
        raise AssertionError("an upsert answers with its row")
    return Receipt(
        request_id=trace.document.request.request_id,
        revision=stored.revision,
        replaced=stored.revision > 1,
        sequence_confidence=trace.sequence.sequence_confidence,
        events=len(trace.document.events),
        tokens=len(trace.tokens),
    )
