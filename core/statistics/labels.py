"""Labelled requests: the scores of independent requests, and whether their answers were correct."""

from collections.abc import Sequence
from typing import NamedTuple

from core.access.access import Access
from core.access.caller import Scope
from core.database.pool import retry_read
from core.statistics import store
from core.statistics.scores import Score
from core.statistics.store import LabelRow
from core.traces.filters import Filters


class LabelFilters(NamedTuple):
    """Filters of labelled requests. A filter that is None matches every request.

    Attributes:
        filters: those of the requests.
        k: the length of the longest top-k list.
        outcome_source: the source of the outcome. If it is None and sources disagree, the latest outcome counts.
    """

    filters: Filters
    k: int | None = None
    outcome_source: str | None = None


@retry_read
async def fetch_labels(
    access: Access, key: str | None, *, scores: Sequence[Score], labelled: LabelFilters
) -> list[LabelRow]:
    """Fetch the caller's newest labelled requests, one per group, with these scores in this order."""
    async with access.session(key, Scope.READ) as session:
        return await store.LIST_LABELS.fetch_all(
            session.conn,
            scores=[score.value for score in scores],
            outcome_source=labelled.outcome_source,
            k=labelled.k,
            limit=store.MAX_LABELS,
            filters=labelled.filters._replace(owner=session.caller.owner_filter),
        )
