"""Labeled requests: the scores of independent requests, and whether their answers were correct."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.access.access import Access
from core.access.caller import Scope
from core.database.pool import retry_read
from core.statistics import store
from core.statistics.narrow import narrow
from core.statistics.scores import Score
from core.statistics.store import LabelRow
from core.traces.filters import Filters


class LabelFilters(NamedTuple):
    """Filters of labeled requests. A filter that is None matches every request.

    Attributes:
        filters: those of the requests.
        k: the length of the longest top-k list.
        outcome_source: the source of the outcome. If it is None and sources disagree, the latest outcome counts.
        held_out: whether only requests match that are outside the period to which the calibrator of their p_correct was
            fitted.
    """

    filters: Filters
    k: int | None = None
    outcome_source: str | None = None
    held_out: bool = False


@dataclass(frozen=True, slots=True)
class Labels:
    """One score of labeled requests.

    Attributes:
        score: the score.
        values: its value for each request, NaN for a request without it.
        right: whether each answer was correct.
    """

    score: Score
    values: NDArray[np.float64]
    right: NDArray[np.bool_]

    @property
    def certainty(self) -> NDArray[np.float64]:
        """The score, negated if a higher one is less certain."""
        return -self.values if self.score.higher_is_less_certain else self.values

    def __len__(self) -> int:
        return len(self.values)

    def drop_missing(self) -> "Labels":
        """Return the labels of the requests that have the score."""
        known = ~np.isnan(self.values)
        return Labels(self.score, self.values[known], self.right[known])


def count_labelled(n: int) -> str:
    """Return a number of labeled requests in words."""
    return "1 labeled request" if n == 1 else f"{n} labeled requests"


def read_labels(rows: Sequence[LabelRow], score: Score, index: int = 0) -> Labels:
    """Read the score at an index in the rows."""
    values = np.array([row.scores[index] for row in rows], np.float64)
    return Labels(score, values, np.array([row.correct for row in rows], np.bool_))


@retry_read
async def fetch_labels(
    access: Access, key: str | None, *, scores: Sequence[Score], labelled: LabelFilters, scope: Scope = Scope.READ
) -> list[LabelRow]:
    """Fetch the caller's newest labeled requests, one per group, with these scores in this order."""
    async with access.session(key, scope) as session:
        return await store.LIST_LABELS.fetch_all(
            session.conn,
            scores=[score.value for score in scores],
            outcome_source=labelled.outcome_source,
            k=labelled.k,
            limit=store.MAX_LABELS,
            held_out=labelled.held_out,
            filters=await narrow(session, labelled.filters),
        )
