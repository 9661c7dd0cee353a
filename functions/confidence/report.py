"""GET /v1/confidence/{request_id}: every score of one request."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from core.confidence import DEFAULT_WINDOW
from core.reports.render import render_stored_report
from core.responses import MAX_WINDOW
from core.traces.read import read_document
from functions.web.access import KeyDep
from functions.web.context import ContextDep
from functions.web.document import work_on_document

router = APIRouter(tags=["confidence"])


@router.get("/v1/confidence/{request_id}", response_class=Response)
async def get_confidence(
    request: Request,
    context: ContextDep,
    key: KeyDep,
    request_id: str,
    window: Annotated[int, Query(ge=1, le=MAX_WINDOW)] = DEFAULT_WINDOW,
) -> Response:
    """Return every score of one request: per token, for the whole sequence, and per intervention of a mod."""
    stored = await read_document(context.access, key, request_id=request_id)
    members: dict[str, object] = {
        "request_id": request_id,
        "p_correct": stored.p_correct,
        "calibrator": stored.calibrator,
    }
    report = await work_on_document(
        request, context, render_stored_report, stored.document, stored.format, stored.choice, members, window
    )
    return Response(report, media_type="application/json")
