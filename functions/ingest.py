"""POST /v1/ingest: a finished inference comes in."""

from fastapi import APIRouter, FastAPI, Request

from core.traces.document import TraceDocument
from core.traces.ingest import Receipt, ingest_trace, prepare_trace
from functions.common.access import KeyDep
from functions.common.application import build_app
from functions.common.body import describe_body, read_json_body
from functions.common.context import ContextDep
from functions.common.scaling import Scaling

SCALING = Scaling(max_inputs=8, target_inputs=4, memory_mb=1024, timeout_s=120)

router = APIRouter(tags=["ingest"])


@router.post("/v1/ingest", status_code=201, openapi_extra=describe_body(TraceDocument))
async def ingest(request: Request, context: ContextDep, key: KeyDep) -> Receipt:
    """Check, score and store one trace; answered after the commit, never before."""
    await context.access.admit_ingest(key)
    body = await read_json_body(request, context)
    prepared = await context.run(prepare_trace, body, await context.access.hasher())
    return await ingest_trace(context.access, key, prepared)


def web() -> FastAPI:
    """The ASGI application of this endpoint."""
    return build_app(router)
