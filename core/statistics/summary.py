"""Summaries: the confidence of the model per group of requests."""

import math
import re

import psycopg

from core.access.access import Access
from core.access.caller import Scope
from core.confidence import Coverage
from core.database.pool import retry_read
from core.errors import InvalidInputError
from core.statistics import store
from core.statistics.narrow import narrow
from core.statistics.store import GroupBy, GroupRow
from core.traces.filters import Filters
from core.wire.models import Frozen

UNKNOWN_ZONE = "time_zone: unknown; use an IANA name, such as Europe/Berlin or Etc/UTC"

_PART = "[A-Za-z][A-Za-z_-]{0,30}"
_ZONE = re.compile(rf"{_PART}(?:/{_PART}){{0,2}}|Etc/GMT[+-]?[0-9]{{1,2}}|GMT[+-]?0|[A-Z]ST[5-8][A-Z]DT")
"""Names of the IANA. Postgres also accepts POSIX notation, in which UTC+2 is two hours west of UTC."""


class Spread(Frozen):
    """Mean and percentiles of a score over a group's requests. Percentiles are interpolated linearly."""

    mean: float | None
    p5: float | None
    p25: float | None
    p50: float | None
    p75: float | None
    p95: float | None


class Group(Frozen):
    """One group of requests.

    Attributes:
        key: value that the requests share, such as the model's name; None for requests without one.
        n: number of requests.
        sequence_confidence: spread of sequence_confidence over the requests.
        lowest_group_confidence: spread of the least confident window over the requests, nats.
        perplexity: exp(mean surprisal) over all scored tokens of the group, so longer requests weigh more.
        coverage: token counts, summed over the requests.
        forced_rate: forced tokens per token.
        intervention_rate: fraction of requests with an intervention.
        backtrack_rate: fraction of requests with a backtrack.
    """

    key: str | None
    n: int
    sequence_confidence: Spread
    lowest_group_confidence: Spread
    perplexity: float | None
    coverage: Coverage
    forced_rate: float | None
    intervention_rate: float
    backtrack_rate: float


@retry_read
async def summarize(
    access: Access, key: str | None, *, group_by: GroupBy, time_zone: str, filters: Filters
) -> list[Group]:
    """Summarize the caller's requests by group, sorted by key. Hours and days are those of a time zone.

    Raises:
        InvalidInputError: the time zone is not known.
    """
    if not _ZONE.fullmatch(time_zone):
        raise InvalidInputError(UNKNOWN_ZONE)
    async with access.session(key, Scope.READ) as session:
        wanted = await narrow(session, filters)
        try:
            rows = await store.SUMMARIZE.fetch_all(
                session.conn,
                group_by=group_by,
                time_zone=time_zone,
                fractions=store.FRACTIONS,
                limit=store.MAX_GROUPS,
                filters=wanted,
            )
        except psycopg.errors.InvalidParameterValue:
            raise InvalidInputError(UNKNOWN_ZONE) from None
    return [_make_group(row) for row in rows]


def _make_group(row: GroupRow) -> Group:
    return Group(
        key=row.key,
        n=row.n,
        sequence_confidence=_make_spread(row.confidence_mean, row.confidence_percentiles),
        lowest_group_confidence=_make_spread(row.group_mean, row.group_percentiles),
        perplexity=_exponential(row.mean_nll),
        coverage=Coverage(**row.model_dump(include=set(Coverage.__slots__))),
        forced_rate=row.forced / row.steps if row.steps else None,
        intervention_rate=row.with_interventions / row.n,
        backtrack_rate=row.with_backtracks / row.n,
    )


def _make_spread(mean: float | None, percentiles: list[float | None] | None) -> Spread:
    p5, p25, p50, p75, p95 = percentiles or [None] * 5
    return Spread(mean=mean, p5=p5, p25=p25, p50=p50, p75=p75, p95=p95)


def _exponential(value: float | None) -> float | None:
    try:
        return None if value is None else math.exp(value)
    except OverflowError:
        return None
