"""Query parameters that select labeled requests."""

from typing import Annotated

from fastapi import Depends, Query

from core.confidence.distribution import MAX_TOP_TOKENS
from core.statistics.labels import LabelFilters
from core.statistics.store import MAX_LABELS
from functions.web.query import PeriodDep, TextParam

ROW_BYTES = 300
"""Memory of a labeled request, without its scores."""
VALUE_BYTES = 32
"""Memory of a score."""

TopKParam = Annotated[int | None, Query(ge=1, le=MAX_TOP_TOKENS)]


async def read_labelled(filters: PeriodDep, k: TopKParam = None, outcome_source: TextParam = None) -> LabelFilters:
    """Read the filters of a statistic over labeled requests."""
    return LabelFilters(filters, k, outcome_source or None)


LabelledDep = Annotated[LabelFilters, Depends(read_labelled)]


def measure_labels(scores: int) -> int:
    """Return the memory, in bytes, of the most labeled requests of a statistic with this number of scores each."""
    return MAX_LABELS * (ROW_BYTES + scores * VALUE_BYTES)
