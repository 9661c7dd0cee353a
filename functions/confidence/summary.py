"""GET /v1/confidence/summary: the confidence of groups of requests."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel

from core.statistics.store import GroupBy
from core.statistics.summary import Group, summarize
from functions.web.access import KeyDep
from functions.web.context import ContextDep
from functions.web.query import PeriodDep

router = APIRouter(tags=["confidence"])

ZoneParam = Annotated[str, Query(description="IANA name of a time zone")]


class Summary(BaseModel):
    """The confidence of groups of requests."""

    groups: list[Group]


@router.get("/v1/confidence/summary")
async def get_summary(
    context: ContextDep, key: KeyDep, period: PeriodDep, group_by: GroupBy = "model", time_zone: ZoneParam = "UTC"
) -> Summary:
    """Summarize confidence by model, mod, user, hour or day. Hours and days are those of the time zone."""
    groups = await summarize(context.access, key, group_by=group_by, time_zone=time_zone, filters=period)
    return Summary(groups=groups)
