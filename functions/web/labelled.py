"""Query parameters that select labeled requests."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import Depends, Query

from core.confidence.distribution import MAX_TOP_TOKENS
from core.statistics.labels import LabelFilters
from core.statistics.store import LabelRow
from functions.web.query import PeriodDep, TextParam

ROW_BYTES = 300
"""Memory of a request in a statistic, without its scores."""
VALUE_BYTES = 32
"""Memory of a score."""

TopKParam = Annotated[int | None, Query(ge=1, le=MAX_TOP_TOKENS)]


async def read_labelled(filters: PeriodDep, k: TopKParam = None, outcome_source: TextParam = None) -> LabelFilters:
    """Read the filters of a statistic over labeled requests."""
    return LabelFilters(filters, k, outcome_source or None)


LabelledDep = Annotated[LabelFilters, Depends(read_labelled)]


def measure_labels(rows: Sequence[LabelRow]) -> int:
    """Return the memory of labeled requests, in bytes."""
    return len(rows) * (ROW_BYTES + (len(rows[0].scores) * VALUE_BYTES if rows else 0))
