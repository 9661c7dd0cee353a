"""GET /v1/confidence/changes: whether the served model has changed between two periods."""

from fastapi import APIRouter

from core.statistics.changes import Changes, detect_change, fetch_first_lists
from functions.web.access import KeyDep
from functions.web.context import ContextDep
from functions.web.query import PeriodDep, TimeParam

router = APIRouter(tags=["confidence"])


@router.get("/v1/confidence/changes")
async def get_changes(
    context: ContextDep,
    key: KeyDep,
    period: PeriodDep,
    *,
    baseline_from: TimeParam = None,
    baseline_to: TimeParam = None,
) -> Changes:
    """Compare the first token's log-probabilities of prompts that occur in both periods, as in /v1/confidence/drift."""
    baseline = period._replace(created_from=baseline_from, created_to=baseline_to)
    rows = await fetch_first_lists(context.access, key, baseline=baseline, current=period)
    return await context.run_for(key, detect_change, rows)
