"""Query parameters that select labeled requests."""

from typing import Annotated

from fastapi import Depends, Query

from core.confidence.distribution import MAX_TOP_TOKENS
from core.statistics.labels import LabelFilters
from functions.web.query import PeriodDep, TextParam

TopKParam = Annotated[int | None, Query(ge=1, le=MAX_TOP_TOKENS)]


async def read_labelled(filters: PeriodDep, k: TopKParam = None, outcome_source: TextParam = None) -> LabelFilters:
    """Read the filters of a statistic over labeled requests."""
    return LabelFilters(filters, k, outcome_source or None)


LabelledDep = Annotated[LabelFilters, Depends(read_labelled)]
