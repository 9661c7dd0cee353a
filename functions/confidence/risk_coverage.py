"""GET /v1/confidence/risk-coverage: the share of wrong answers by the share of accepted ones."""

from fastapi import APIRouter, Response

from core.statistics.labels import fetch_labels
from core.statistics.scores import Score
from core.statistics.selective import RiskCoverage, render_risk
from functions.web.access import KeyDep
from functions.web.context import ContextDep
from functions.web.labelled import LabelledDep, measure_labels

router = APIRouter(tags=["confidence"])


@router.get("/v1/confidence/risk-coverage", response_model=RiskCoverage)
async def get_risk_coverage(
    context: ContextDep,
    key: KeyDep,
    labelled: LabelledDep,
    *,
    score: Score = Score.SEQUENCE_CONFIDENCE,
) -> Response:
    """Return the share of wrong answers if only the most confident ones are accepted, and compare all scores."""
    rows = await fetch_labels(context.access, key, scores=list(Score), labelled=labelled)
    with context.reserve_for(key, measure_labels(rows)):
        body = await context.run_for(key, render_risk, score, rows)
    return Response(body, media_type="application/json")
