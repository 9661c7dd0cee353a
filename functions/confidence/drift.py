"""GET /v1/confidence/drift: the distributions of a score in two periods."""

from fastapi import APIRouter

from core.statistics.drift import Drift, compare, fetch_sides
from core.statistics.scores import Score
from core.statistics.store import MAX_VALUES
from functions.web.access import KeyDep
from functions.web.context import ContextDep
from functions.web.labelled import VALUE_BYTES, TopKParam
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
    with context.reserve_for(key, 2 * MAX_VALUES * VALUE_BYTES):
        sides = await fetch_sides(context.access, key, score=score, baseline=baseline, current=period)
        return await context.run_for(key, compare, score, sides, k)
