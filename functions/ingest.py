"""POST /v1/ingest: a finished inference comes in."""

from fastapi import APIRouter, Depends, FastAPI, Request

from core.traces.document import TraceDocument
from core.traces.ingest import Receipt, prepare_trace, store_trace
from functions.common.access import require_ingest_key
from functions.common.application import build_app
from functions.common.body import read_json_body
from functions.common.context import ContextDep
from functions.common.scaling import Scaling

SCALING = Scaling(max_inputs=8, target_inputs=4, memory_mb=1024, timeout_s=120)

router = APIRouter(tags=["ingest"])

DOCUMENTED_BODY = {
    "requestBody": {"required": True, "content": {"application/json": {"schema": TraceDocument.model_json_schema()}}}
}


@router.post("/v1/ingest", status_code=201, dependencies=[Depends(require_ingest_key)], openapi_extra=DOCUMENTED_BODY)
async def ingest(request: Request, context: ContextDep) -> Receipt:
    """Check, score and store one trace; answered after the commit, never before."""
    body = await read_json_body(request, max_mb=context.settings.max_body_mb)
    prepared = await context.run(prepare_trace, body)
    return await store_trace(context.pool, prepared)


def web() -> FastAPI:
    """The ASGI application of this endpoint."""
    return build_app(router)
