"""Recording and reading verdicts."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from core.database.pool import Pool, checkout
from core.outcomes import store
from core.outcomes.store import Outcome
from core.traces.json_text import to_column_text
from core.traces.read import check_id, no_request

DEFAULT_SOURCE = "user"
MAX_SOURCE_LENGTH = 200
MAX_NOTE_LENGTH = 10_000


class Verdict(BaseModel):
    """What a source says: right, wrong, or null to take its verdict back."""

    model_config = ConfigDict(strict=True, frozen=True)

    correct: bool | None
    source: Annotated[str, Field(min_length=1, max_length=MAX_SOURCE_LENGTH)] = DEFAULT_SOURCE
    note: Annotated[str, Field(max_length=MAX_NOTE_LENGTH)] | None = None


async def record_outcome(pool: Pool, *, request_id: str, verdict: Verdict) -> Outcome:
    """Record a verdict; the latest of each source counts.

    Raises:
        NotFoundError: there is no such request.
    """
    check_id(request_id)
    async with checkout(pool) as conn:
        outcome = await store.upsert_outcome(
            conn,
            request_id=request_id,
            source=to_column_text(verdict.source) or DEFAULT_SOURCE,
            correct=verdict.correct,
            note=to_column_text(verdict.note),
        )
    if outcome is None:
        raise no_request(request_id)
    return outcome


async def list_outcomes(pool: Pool, *, request_id: str) -> list[Outcome]:
    """The latest verdict of each source, oldest first.

    Raises:
        NotFoundError: there is no such request.
    """
    check_id(request_id)
    async with checkout(pool) as conn:
        rows = await store.list_outcomes(conn, request_id=request_id)
    if not rows:
        raise no_request(request_id)
    return [Outcome.model_validate(row.model_dump()) for row in rows if row.source is not None]
