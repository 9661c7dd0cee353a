"""/v1/confidence/…: the confidence report of a request, and summaries, drift and calibration over many requests."""

from typing import Annotated

from fastapi import APIRouter, FastAPI, Query, Request, Response
from pydantic import BaseModel

from core.confidence import DEFAULT_WINDOW
from core.reports.render import render_stored_report
from core.responses import MAX_WINDOW
from core.statistics.calibration import DEFAULT_BINS, MAX_BINS, Calibration, calibrate, fetch_labels
from core.statistics.drift import Drift, compare, fetch_sides
from core.statistics.scores import Score
from core.statistics.store import GroupBy
from core.statistics.summary import Group, summarize
from core.traces.read import read_document
from functions.web.access import KeyDep
from functions.web.application import build_app
from functions.web.context import ContextDep
from functions.web.query import PeriodDep, TextParam, TimeParam
from functions.web.scaling import Scaling
from functions.web.stored import work_on_document

SCALING = Scaling(max_inputs=20, target_inputs=10, memory_mb=1024)

router = APIRouter(tags=["confidence"], prefix="/v1/confidence")


class Summary(BaseModel):
    """The confidence of groups of requests."""

    groups: list[Group]


@router.get("/summary")
async def get_summary(context: ContextDep, key: KeyDep, period: PeriodDep, group_by: GroupBy = "model") -> Summary:
    """Summarize confidence by model, mod, user, hour or day."""
    return Summary(groups=await summarize(context.access, key, group_by=group_by, filters=period))


@router.get("/drift")
async def get_drift(  # noqa: PLR0913 - each is a query parameter
    context: ContextDep,
    key: KeyDep,
    period: PeriodDep,
    *,
    baseline_from: TimeParam = None,
    baseline_to: TimeParam = None,
    score: Score = Score.SEQUENCE_CONFIDENCE,
    k: Annotated[int | None, Query(ge=1, le=1024)] = None,
) -> Drift:
    """Compare the distribution of a score in two periods: `from`, `to` and `baseline_from`, `baseline_to`.

    Only requests with the same top-k length `k` are compared.
    """
    baseline = period._replace(created_from=baseline_from, created_to=baseline_to)
    sides = await fetch_sides(context.access, key, score=score, baseline=baseline, current=period)
    return await context.run(compare, score, sides, k)


@router.get("/calibration")
async def get_calibration(  # noqa: PLR0913 - each is a query parameter
    context: ContextDep,
    key: KeyDep,
    period: PeriodDep,
    *,
    score: Score = Score.SEQUENCE_CONFIDENCE,
    bins: Annotated[int, Query(ge=1, le=MAX_BINS)] = DEFAULT_BINS,
    source: TextParam = None,
) -> Calibration:
    """Compare a score with the recorded outcomes: the share of correct answers per bin of the score."""
    labels = await fetch_labels(context.access, key, score=score, source=source, filters=period)
    return await context.run(calibrate, score, labels, bins=bins)


@router.get("/{request_id}", response_class=Response)
async def get_confidence(
    request: Request,
    context: ContextDep,
    key: KeyDep,
    request_id: str,
    window: Annotated[int, Query(ge=1, le=MAX_WINDOW)] = DEFAULT_WINDOW,
) -> Response:
    """Return every score of one request: per token, for the whole sequence, and per intervention of a mod."""
    stored = await read_document(context.access, key, request_id=request_id)
    report = await work_on_document(
        request, context, render_stored_report, stored.document, stored.format, stored.choice, request_id, window
    )
    return Response(report, media_type="application/json")


def web() -> FastAPI:
    """Build the ASGI application of this endpoint."""
    return build_app(router)
