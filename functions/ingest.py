"""POST /v1/ingest: store a finished inference, as a Quote trace or any server's response, or many of them."""

from typing import Any

from fastapi import APIRouter, Request, Response

from core.document.schema import TraceDocument, describe_custom
from core.errors import InvalidInputError
from core.traces.ingest import PreparedTrace, Receipt, ingest_answers
from core.traces.items import Several, prepare_events, prepare_item
from functions.web.access import KeyDep
from functions.web.batch import MEDIA_TYPES, BatchReceipt, describe_answers, ingest_lines, split_body
from functions.web.body import JSON, PROTOBUF, Body, describe_struct, read_type, receive_body
from functions.web.context import Context, ContextDep
from functions.web.origin import refuse_foreign
from functions.web.otlp import ingest_export
from functions.web.scaling import Scaling

SCALING = Scaling(max_inputs=8, target_inputs=4, memory_mb=1024, timeout_s=120)

EVENT_STREAM = "text/event-stream"
BYTES = {"type": "string", "format": "binary"}

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
        207: {"model": BatchReceipt, "description": "the result of each item of a list or NDJSON, or of each answer"},
        409: {"description": "the id belongs to another owner's request, or to one on legal hold"},
    },
    openapi_extra=_describe_bodies(),
)
async def ingest(request: Request, context: ContextDep, key: KeyDep) -> Receipt | Response:
    """Validate, score and store traces and responses. The answer is sent only after they are committed."""
    if context.access.ingest_open:
        refuse_foreign(request, context.settings)
    await context.access.authorize_ingest(key)
    async with receive_body(request, context, types=(JSON, *MEDIA_TYPES, EVENT_STREAM)) as body:
        media_type = read_type(request)
        if media_type in MEDIA_TYPES:
            return await _ingest_batch(context, key, body, Several.LINES)
        if media_type == EVENT_STREAM:
            prepared = await body.work(prepare_events, await context.access.hasher())
        else:
            prepared = await body.work(prepare_item, await context.access.hasher())
        if isinstance(prepared, Several):
            return await _ingest_batch(context, key, body, prepared)
    receipts = await _store(context, key, prepared)
    return receipts[0] if len(receipts) == 1 else _answer_batch(describe_answers(receipts))


@router.post(
    "/v1/traces",
    response_class=Response,
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {PROTOBUF: {"schema": BYTES}, JSON: {"schema": {"type": "object"}}},
        }
    },
)
async def ingest_spans(request: Request, context: ContextDep, key: KeyDep) -> Response:
    """Store the LLM spans of an OTLP/HTTP export. Other spans are ignored."""
    if context.access.ingest_open:
        refuse_foreign(request, context.settings)
    await context.access.authorize_ingest(key)
    return await ingest_export(request, context, key)


async def _ingest_batch(context: Context, key: str | None, body: Body, how: Several) -> Response:
    async with split_body(body, how) as lines:
        receipt = await ingest_lines(
            lines, lambda line: _prepare(context, body.take(line)), lambda prepared: _store(context, key, prepared)
        )
    return _answer_batch(receipt)


def _answer_batch(receipt: BatchReceipt) -> Response:
    return Response(receipt.model_dump_json(exclude_unset=True), 207, media_type=JSON)


async def _prepare(context: Context, body: Body) -> list[PreparedTrace]:
    prepared = await body.work(prepare_item, await context.access.hasher())
    if isinstance(prepared, Several):
        raise InvalidInputError("body: an item can't be a list of items; send each item separately")
    return prepared


async def _store(context: Context, key: str | None, prepared: list[PreparedTrace]) -> list[Receipt]:
    receipts = await ingest_answers(context.access, key, prepared, on_alert=context.nudge_alerts)
    for one in prepared:
        context.metrics.note_ingest(one.document["document_bytes"], one.counts)
    context.nudge_streams()
    return receipts
