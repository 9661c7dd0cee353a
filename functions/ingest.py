"""POST /v1/ingest: store the trace of a finished inference (JSON), or of many (NDJSON)."""

from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response

from core.document.schema import TraceDocument, describe_custom
from core.traces.ingest import PreparedTrace, Receipt, ingest_trace, prepare_trace
from functions.web.access import KeyDep
from functions.web.application import build_app
from functions.web.batch import MEDIA_TYPES, BatchReceipt, ingest_lines, split_lines
from functions.web.body import JSON, Body, describe_struct, read_type, receive_body
from functions.web.context import Context, ContextDep
from functions.web.origin import refuse_foreign
from functions.web.scaling import Scaling

SCALING = Scaling(max_inputs=8, target_inputs=4, memory_mb=1024, timeout_s=120)

router = APIRouter(tags=["ingest"])


def _describe_bodies() -> dict[str, Any]:
    body = describe_struct(TraceDocument, describe_custom)
    lines = {"schema": {"type": "string", "description": "one trace per line"}}
    body["requestBody"]["content"] |= {MEDIA_TYPES[0]: lines}
    return body


@router.post(
    "/v1/ingest",
    status_code=201,
    response_model=Receipt,
    responses={
        207: {"model": BatchReceipt, "description": "the result of each line of NDJSON"},
        409: {"description": "the id belongs to another owner's request, or to one on legal hold"},
    },
    openapi_extra=_describe_bodies(),
)
async def ingest(request: Request, context: ContextDep, key: KeyDep) -> Receipt | Response:
    """Validate, score and store traces. The answer is sent only after they are committed."""
    if context.access.ingest_open:
        refuse_foreign(request, context.settings)
    await context.access.authorize_ingest(key)
    async with receive_body(request, context, types=(JSON, *MEDIA_TYPES)) as body:
        if read_type(request) in MEDIA_TYPES:
            return await _ingest_batch(context, key, body)
        prepared = await _prepare(context, body)
    return await _store(context, key, prepared)


async def _ingest_batch(context: Context, key: str | None, body: Body) -> Response:
    async with split_lines(body) as lines:
        receipt = await ingest_lines(
            lines, lambda line: _prepare(context, body.take(line)), lambda prepared: _store(context, key, prepared)
        )
    return Response(receipt.model_dump_json(exclude_unset=True), 207, media_type=JSON)


async def _prepare(context: Context, body: Body) -> PreparedTrace:
    return await body.work(prepare_trace, await context.access.hasher())


async def _store(context: Context, key: str | None, prepared: PreparedTrace) -> Receipt:
    receipt = await ingest_trace(context.access, key, prepared)
    context.metrics.note_ingest(prepared.document["document_bytes"], prepared.counts)
    context.nudge_streams()
    return receipt


def web() -> FastAPI:
    """Build the ASGI application of this endpoint."""
    return build_app(router)
