"""The statements of outcomes, and the types of their rows."""

from core.database.query import Row, query
from core.wire.timestamp import UtcMoment


class Outcome(Row):
    """The latest outcome from one source."""

    source: str
    correct: bool | None
    note: str | None
    recorded_at: UtcMoment


UPSERT_OUTCOME = query("outcomes/upsert_outcome", Outcome)
LIST_OUTCOMES = query("outcomes/list_outcomes", Outcome)
