"""Evaluate the alerts that look at a period: rate, drift, change and silence. Ingest evaluates the others."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import NamedTuple

from psycopg import AsyncConnection

from core.access.access import Access
from core.alerts import store
from core.alerts.rules import Kind
from core.alerts.store import DueAlert
from core.database.pool import checkout_transaction
from core.errors import ThunderError
from core.statistics.changes import detect_change, list_first_lists
from core.statistics.drift import compare
from core.statistics.scores import Score
from core.statistics.store import LIST_DRIFT_VALUES, MAX_VALUES
from core.traces.filters import Filters

log = logging.getLogger(__name__)

TIMEOUT_MS = 30_000
MIN_REQUESTS = 10
"""Minimum requests of a window. The rate or distribution of fewer requests is not reliable."""
BASELINE_WINDOWS = 7
"""The baseline of a comparison, directly before the window."""
MAX_PVALUE = 0.001
"""Significance level of drift. It is low because the test is repeated for each window."""


class Finding(NamedTuple):
    """The result of an evaluation: the event's window, value and threshold, and a key that prevents duplicates."""

    dedup_key: str
    start: datetime
    end: datetime
    value: float | None = None
    threshold: float | None = None


Evaluate = Callable[[AsyncConnection, DueAlert], Awaitable[Finding | None]]


async def evaluate_alerts(access: Access) -> None:
    """Evaluate every due alert, each in its own transaction. A failure does not affect the others.

    Several processes may run this at the same time: an alert that one evaluates is skipped by the others.
    """
    after_id: int | None = 0
    while after_id is not None:
        try:
            after_id = await _evaluate_next(access, after_id)
        except _FailedError as error:
            log.warning("alert %d was not evaluated: %s", error.alert_id, error)
            after_id = error.alert_id


class _FailedError(Exception):
    """The evaluation of an alert failed. It is repeated when the alert is next due."""

    def __init__(self, alert_id: int, reason: ThunderError) -> None:
        super().__init__(str(reason))
        self.alert_id = alert_id


async def _evaluate_next(access: Access, after_id: int) -> int | None:
    alert: DueAlert | None = None
    try:
        async with checkout_transaction(access.pool, timeout_ms=TIMEOUT_MS) as conn:
            alert = await store.CLAIM_ALERT.fetch_one(conn, after_id=after_id)
            if alert is None:
                return None
            finding = await _EVALUATIONS[Kind(alert.kind)](conn, alert)
            if finding is not None:
                await store.INSERT_EVENT.execute(
                    conn,
                    alert_id=alert.id,
                    dedup_key=finding.dedup_key,
                    window_from=finding.start,
                    window_to=finding.end,
                    value=finding.value,
                    threshold=finding.threshold,
                )
    except ThunderError as error:
        if alert is None:
            raise
        raise _FailedError(alert.id, error) from None
    return alert.id


def _period(alert: DueAlert, *, windows: int = 1, end: datetime | None = None) -> Filters:
    """Return the alert's filters with a period: a number of windows up to a time, by default now."""
    end = end or alert.claimed_at
    start = end - timedelta(seconds=windows * (alert.window_s or 0))
    return Filters(**alert.filters)._replace(owner=alert.owner, created_from=start, created_to=end)


def _sides(alert: DueAlert) -> tuple[Filters, Filters]:
    """Return the baseline and the current period of a comparison."""
    current = _period(alert)
    return _period(alert, windows=BASELINE_WINDOWS, end=current.created_from), current


def _find(alert: DueAlert, *, value: float, threshold: float | None) -> Finding:
    window_s = alert.window_s or 1
    key = f"window {window_s} {int(alert.claimed_at.timestamp() // window_s)}"
    return Finding(key, alert.claimed_at - timedelta(seconds=window_s), alert.claimed_at, value, threshold)


async def _evaluate_rate(conn: AsyncConnection, alert: DueAlert) -> Finding | None:
    rate = await store.MEASURE_RATE.fetch_only(
        conn, score=alert.score, fires_above=alert.fires_above, threshold=alert.threshold, filters=_period(alert)
    )
    share = rate.beyond / max(rate.n, 1)
    if rate.n < MIN_REQUESTS or alert.share is None or share < alert.share:
        return None
    return _find(alert, value=share, threshold=alert.share)


async def _evaluate_drift(conn: AsyncConnection, alert: DueAlert) -> Finding | None:
    baseline, current = _sides(alert)
    before, after = [
        await LIST_DRIFT_VALUES.fetch_all(conn, score=alert.score, limit=MAX_VALUES, filters=filters)
        for filters in (baseline, current)
    ]
    if min(len(before), len(after)) < MIN_REQUESTS:
        return None
    drift = await asyncio.to_thread(compare, Score(alert.score), (before, after))
    if min(drift.baseline.n, drift.current.n) < MIN_REQUESTS or drift.ks_statistic is None or drift.ks_pvalue is None:
        return None
    if drift.ks_pvalue > MAX_PVALUE or drift.ks_statistic < (alert.threshold or 0):
        return None
    return _find(alert, value=drift.ks_statistic, threshold=alert.threshold)


async def _evaluate_change(conn: AsyncConnection, alert: DueAlert) -> Finding | None:
    changes = await asyncio.to_thread(detect_change, await list_first_lists(conn, *_sides(alert)))
    if changes.pvalue is None or changes.pvalue > (alert.threshold or 0):
        return None
    return _find(alert, value=changes.pvalue, threshold=alert.threshold)


async def _evaluate_silence(conn: AsyncConnection, alert: DueAlert) -> Finding | None:
    """Find the first evaluation at which a whole window since the last change of the alert had no request."""
    start = alert.claimed_at - timedelta(seconds=alert.window_s or 0)
    filters = Filters(**alert.filters)._replace(owner=alert.owner)
    received = await store.FIND_RECEIVED.fetch_one(conn, since=start, filters=filters)
    is_silent = received is None and alert.updated_at <= start
    if is_silent == alert.is_silent:
        return None
    await store.SET_SILENT.execute(conn, id=alert.id, is_silent=is_silent)
    return Finding(f"silence {alert.claimed_at.timestamp()}", start, alert.claimed_at) if is_silent else None


_EVALUATIONS: dict[Kind, Evaluate] = {
    Kind.RATE: _evaluate_rate,
    Kind.DRIFT: _evaluate_drift,
    Kind.CHANGE: _evaluate_change,
    Kind.SILENCE: _evaluate_silence,
}
