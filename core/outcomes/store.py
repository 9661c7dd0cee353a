"""SQL statements of outcomes. Each function runs one statement."""

from psycopg import AsyncConnection
from psycopg.rows import class_row
from pydantic import BaseModel, ConfigDict

from core.database.sql import load_query
from core.wire.timestamp import UtcMoment

_UPSERT_OUTCOME = load_query("outcomes/upsert_outcome")
_LIST_OUTCOMES = load_query("outcomes/list_outcomes")


class Outcome(BaseModel):
    """The latest outcome from one source."""

    model_config = ConfigDict(frozen=True)

    source: str
    correct: bool | None
    note: str | None
    recorded_at: UtcMoment


async def upsert_outcome(
    conn: AsyncConnection, *, request_id: str, source: str, correct: bool | None, note: str | None
) -> Outcome | None:
    """Insert or replace a source's outcome. Return None if the request doesn't exist."""
    cursor = conn.cursor(row_factory=class_row(Outcome))
    values = {"request_id": request_id, "source": source, "correct": correct, "note": note}
    await cursor.execute(_UPSERT_OUTCOME, values)
    return await cursor.fetchone()


async def list_outcomes(conn: AsyncConnection, *, request_id: str) -> list[Outcome]:
    """List the outcomes of a request, oldest first."""
    cursor = conn.cursor(row_factory=class_row(Outcome))
    await cursor.execute(_LIST_OUTCOMES, {"request_id": request_id})
    return await cursor.fetchall()
