"""GET /v1/confidence/{request_id}/spans: the least confident words of an answer, and the values of its JSON."""

from fastapi import APIRouter, Request, Response

from core.answers.spans import DEFAULT_BELOW
from core.reports.render import render_stored_spans
from core.traces.read import read_document
from functions.web.access import KeyDep
from functions.web.context import ContextDep
from functions.web.document import work_on_document
from functions.web.query import BelowParam

router = APIRouter(tags=["confidence"])


@router.get("/v1/confidence/{request_id}/spans", response_class=Response)
async def get_spans(
    request: Request, context: ContextDep, key: KeyDep, request_id: str, below: BelowParam = DEFAULT_BELOW
) -> Response:
    """Return the runs of words with a token below a limit and, if the answer is JSON, the confidence of each value."""
    stored = await read_document(context.access, key, request_id=request_id)
    report = await work_on_document(
        request, context, render_stored_spans, stored.document, stored.format, stored.choice, below
    )
    return Response(report, media_type="application/json")
