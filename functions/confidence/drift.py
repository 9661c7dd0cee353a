"""GET /v1/confidence/drift: the distributions of a score in two periods."""

from fastapi import APIRouter

from core.statistics.drift import Drift, compare, fetch_sides
from core.statistics.scores import Score
from functions.web.access import KeyDep
from functions.web.context import ContextDep
from functions.web.labelled import ROW_BYTES, TopKParam
from functions.web.query import PeriodDep, TimeParam

router = APIRouter(tags=["confidence"])


@router.get("/v1/confidence/drift")
async def get_drift(  # noqa: PLR0913 - each is a query parameter
    context: ContextDep,
    key: KeyDep,
    period: PeriodDep,
    *,
    baseline_from: TimeParam = None,
    baseline_to: TimeParam = None,
    score: Score = Score.SEQUENCE_CONFIDENCE,
    k: TopKParam = None,
) -> Drift:
    """Compare the distribution of a score in two periods: `from`, `to` and `baseline_from`, `baseline_to`.

    Only requests with the same top-k length `k` are compared.
    """
    baseline = period._replace(created_from=baseline_from, created_to=baseline_to)
    sides = await fetch_sides(context.access, key, score=score, baseline=baseline, current=period)
    with context.reserve_for(key, sum(map(len, sides)) * ROW_BYTES):
        return await context.run_for(key, compare, score, sides, k)
