"""GET /v1/confidence/summary: the confidence of groups of requests."""

from fastapi import APIRouter
from pydantic import BaseModel

from core.statistics.store import GroupBy
from core.statistics.summary import Group, summarize
from functions.web.access import KeyDep
from functions.web.context import ContextDep
from functions.web.query import PeriodDep

router = APIRouter(tags=["confidence"])


class Summary(BaseModel):
    """The confidence of groups of requests."""

    groups: list[Group]


@router.get("/v1/confidence/summary")
async def get_summary(context: ContextDep, key: KeyDep, period: PeriodDep, group_by: GroupBy = "model") -> Summary:
    """Summarize confidence by model, mod, user, hour or day."""
    return Summary(groups=await summarize(context.access, key, group_by=group_by, filters=period))
