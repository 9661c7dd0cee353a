"""The threshold at which engines stop a generation early. It needs no outcomes."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from core.access.access import Access
from core.access.caller import Scope
from core.database.pool import retry_read
from core.decisions.warm_up import find_warm_up
from core.errors import InvalidInputError
from core.statistics import store
from core.statistics.labels import LabelFilters
from core.statistics.narrow import narrow
from core.statistics.scores import Score
from core.statistics.store import DriftRow
from core.statistics.threshold import Threshold, format_share

WARM_UP_SCORE = Score.LOWEST_GROUP_CONFIDENCE
ENOUGH = 16
"""Generations of DeepConf's warm-up. The threshold of fewer is unreliable."""


def refuse_with_keep(score: Score | None, labelled: LabelFilters, **others: float | None) -> None:
    """Check the parameters of a threshold that needs no outcomes.

    Raises:
        InvalidInputError: a parameter has no effect, or the model is missing.
    """
    if score not in (None, WARM_UP_SCORE):
        raise InvalidInputError(f"score: keep works with {WARM_UP_SCORE} only; remove score or keep")
    for name, value in {**others, "outcome_source": labelled.outcome_source}.items():
        if value is not None:
            raise InvalidInputError(f"{name}: has no effect with keep, which needs no outcomes; remove {name} or keep")
    if labelled.filters.model is None:
        raise InvalidInputError(
            "model: missing, but required with keep, because the scores of models differ; add model=…"
        )


@retry_read
async def fetch_values(access: Access, key: str | None, *, labelled: LabelFilters) -> Sequence[DriftRow]:
    """Fetch (k, lowest_group_confidence) of the caller's requests, with outcomes or without."""
    async with access.session(key, Scope.READ) as session:
        return await store.LIST_DRIFT_VALUES.fetch_all(
            session.conn,
            score=WARM_UP_SCORE.value,
            limit=store.MAX_VALUES,
            filters=await narrow(session, labelled.filters),
        )


def find_threshold(rows: Sequence[DriftRow], *, keep: float, k: int | None) -> Threshold:
    """Find the threshold that a share `keep` of the requests reach, at one k, by default the most frequent.

    Pure function.
    """
    found = Counter(row.k for row in rows if row.value is not None)
    k = max(found, key=lambda one: (found[one], one), default=None) if k is None else k
    values = np.array([row.value for row in rows if row.k == k and row.value is not None])
    threshold = find_warm_up(values, keep) if len(values) else None
    return Threshold(
        score=WARM_UP_SCORE,
        accepts=">=",
        threshold=threshold,
        coverage=None if threshold is None else float(np.mean(values >= threshold)),
        certified=False,
        bound=None,
        n=len(values),
        message=_describe(len(values), threshold, keep, k),
    )


def _describe(n: int, threshold: float | None, keep: float, k: int | None) -> str:
    if threshold is None:
        return f"no requests{'' if k is None else f' with k = {k}'} have {WARM_UP_SCORE}; post some of this model first"
    sentence = (
        f"stop a generation when the confidence of a group falls below {threshold!r}, which {format_share(keep)} of "
        f"requests with k = {k} reach, correct or incorrect"
    )
    return sentence if n >= ENOUGH else f"{sentence}. {n} are few: DeepConf uses at least {ENOUGH} requests"
