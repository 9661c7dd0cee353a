"""POST /v1/score: score a response without storing it, or show it as a log."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from core.answers.spans import DEFAULT_BELOW
from core.calibrators.apply import calibrate_report
from core.reports.render import render_score
from core.responses.answers import MAX_CHOICES
from core.traces.preview import render_preview
from functions.web.access import KeyDep
from functions.web.body import receive_body
from functions.web.context import ContextDep
from functions.web.query import BelowParam, PatternParam
from functions.web.scaling import Scaling

SCALING = Scaling(max_inputs=8, target_inputs=4, memory_mb=1024)

router = APIRouter(tags=["confidence"])

ChoiceParam = Annotated[int, Query(ge=0, le=MAX_CHOICES, description="position of the answer, from 0")]
ANY_OBJECT = {"requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}}}


@router.post("/v1/score", response_class=Response, openapi_extra=ANY_OBJECT)
async def score(
    request: Request,
    context: ContextDep,
    key: KeyDep,
    below: BelowParam = DEFAULT_BELOW,
    pattern: PatternParam = None,
) -> Response:
    """Score the response of a model server, a Quote trace, or plain tokens. Nothing is stored."""
    caller = await context.access.authenticate(key)
    async with receive_body(request, context) as body:
        scored = await body.work(render_score, below, pattern, is_apart=pattern is not None)
    report = await calibrate_report(context.access, key, caller, scored)
    return Response(report, media_type="application/json")


@router.post("/v1/score/log", response_class=Response, openapi_extra=ANY_OBJECT)
async def preview_log(request: Request, context: ContextDep, key: KeyDep, choice: ChoiceParam = 0) -> Response:
    """Return the log that one answer of a response or trace would have. Nothing is stored."""
    await context.access.authenticate(key)
    async with receive_body(request, context) as body:
        log = await body.work(render_preview, choice, await context.access.hasher())
    return Response(log, media_type="application/json")
