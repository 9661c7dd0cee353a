"""The SQL of outcomes. Each function runs one statement."""

from datetime import datetime

from psycopg import AsyncConnection
from psycopg.rows import class_row
from pydantic import BaseModel, ConfigDict

from core.database.sql import load_query

_UPSERT_OUTCOME = load_query("outcomes/upsert_outcome")
_LIST_OUTCOMES = load_query("outcomes/list_outcomes")


class Outcome(BaseModel):
    """The latest verdict of one source."""

    model_config = ConfigDict(frozen=True)

    source: str
    correct: bool | None
    note: str | None
    recorded_at: datetime


class PossibleOutcome(BaseModel):
    """A row of a left join: all null for a request without a verdict."""

    model_config = ConfigDict(frozen=True)

    source: str | None
    correct: bool | None
    note: str | None
    recorded_at: datetime | None


async def upsert_outcome(
    conn: AsyncConnection, *, request_id: str, source: str, correct: bool | None, note: str | None
) -> Outcome | None:
    """Record a source's verdict in place of its last one; null if there is no such request."""
    cursor = conn.cursor(row_factory=class_row(Outcome))
    values = {"request_id": request_id, "source": source, "correct": correct, "note": note}
    await cursor.execute(_UPSERT_OUTCOME, values)
    return await cursor.fetchone()


async def list_outcomes(conn: AsyncConnection, *, request_id: str) -> list[PossibleOutcome]:
    """The verdicts on a request; one row of nulls if there are none, no row if there is no such request."""
    cursor = conn.cursor(row_factory=class_row(PossibleOutcome))
    await cursor.execute(_LIST_OUTCOMES, {"request_id": request_id})
    return await cursor.fetchall()
