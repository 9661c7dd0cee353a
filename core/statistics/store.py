"""SQL statements of the statistics. Each function runs one statement."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from psycopg import AsyncConnection
from psycopg.rows import class_row, tuple_row
from pydantic import BaseModel, ConfigDict

from core.database.sql import load_query
from core.statistics.scores import Score

_SUMMARIZE = load_query("statistics/summarize")
_LIST_DRIFT_VALUES = load_query("statistics/list_drift_values")
_LIST_CALIBRATION_VALUES = load_query("statistics/list_calibration_values")
_LIST_MODS = load_query("statistics/list_mods")

GroupBy = Literal["model", "mod", "user", "hour", "day"]

MAX_GROUPS = 10_000
MAX_VALUES = 100_000
"""Maximum number of requests per period of a comparison. The newest are used."""
MAX_HANDLERS = 10_000
FRACTIONS = [0.05, 0.25, 0.5, 0.75, 0.95]


@dataclass(frozen=True, slots=True)
class Period:
    """Filter for requests: created in [start, end), with this model and this mod. None means no restriction."""

    start: datetime | None = None
    end: datetime | None = None
    model: str | None = None
    mod: str | None = None

    def parameters(self, owner: bytes | None) -> dict[str, Any]:
        """Return the parameters of a statement. `owner` None selects the requests of all users."""
        return {"from": self.start, "to": self.end, "model": self.model, "mod": self.mod, "owner": owner}


class Row(BaseModel):
    """Base of the immutable row models."""

    model_config = ConfigDict(frozen=True)


class GroupRow(Row):
    """Aggregates of one group of requests."""

    key: str | None
    n: int
    confidence_mean: float | None
    confidence_percentiles: list[float | None] | None
    group_mean: float | None
    group_percentiles: list[float | None] | None
    mean_nll: float | None
    steps: int
    with_distribution: int
    sampled: int
    sampled_in_top_k: int
    forced: int
    discarded: int
    masked: int
    with_interventions: int
    with_backtracks: int


class HandlerRow(Row):
    """Aggregates of one handler of a mod."""

    name: str
    requests: int
    block_key: str
    calls: int
    exceptions: int
    execution_ms: list[float | None] | None
    actions: dict[str, int]
    mean_intervention_surprisal: float | None
    mean_confidence_change: float | None
    forced_share: float | None
    discarded_tokens: int


async def summarize(conn: AsyncConnection, *, owner: bytes | None, group_by: GroupBy, period: Period) -> list[GroupRow]:
    """Aggregate requests by group."""
    cursor = conn.cursor(row_factory=class_row(GroupRow))
    values = {**period.parameters(owner), "group_by": group_by, "fractions": FRACTIONS, "limit": MAX_GROUPS}
    await cursor.execute(_SUMMARIZE, values)
    return await cursor.fetchall()


async def list_drift_values(
    conn: AsyncConnection, *, owner: bytes | None, score: Score, period: Period
) -> list[tuple[int, float | None]]:
    """List (k, value) of the requests with a distribution, newest first."""
    cursor = conn.cursor(row_factory=tuple_row)
    values = {**period.parameters(owner), "score": score.value, "limit": MAX_VALUES}
    await cursor.execute(_LIST_DRIFT_VALUES, values)
    return await cursor.fetchall()


async def list_calibration_values(
    conn: AsyncConnection, *, owner: bytes | None, score: Score, source: str | None, period: Period
) -> list[tuple[bool, float | None]]:
    """List (correct, value) of each outcome, newest request first."""
    cursor = conn.cursor(row_factory=tuple_row)
    values = {**period.parameters(owner), "score": score.value, "source": source, "limit": MAX_VALUES}
    await cursor.execute(_LIST_CALIBRATION_VALUES, values)
    return await cursor.fetchall()


async def list_mods(conn: AsyncConnection, *, owner: bytes | None) -> list[HandlerRow]:
    """List the handlers that were called, by mod."""
    cursor = conn.cursor(row_factory=class_row(HandlerRow))
    await cursor.execute(_LIST_MODS, {"owner": owner, "limit": MAX_HANDLERS})
    return await cursor.fetchall()
