"""/logs/{id}/outcome: statements about whether an answer was correct."""

from fastapi import APIRouter
from pydantic import BaseModel

from core.outcomes.outcome import NewOutcome, list_outcomes, record_outcome
from core.outcomes.store import Outcome
from functions.web.access import KeyDep
from functions.web.context import ContextDep
from functions.web.scaling import Scaling
from functions.web.small_body import SmallBodyRoute

SCALING = Scaling(max_inputs=50, target_inputs=30, memory_mb=512)

router = APIRouter(tags=["outcomes"], route_class=SmallBodyRoute)


class RecordedOutcome(Outcome):
    """A recorded outcome and its request."""

    request_id: str
    message: str


class Outcomes(BaseModel):
    """The outcomes of a request."""

    request_id: str
    outcomes: list[Outcome]


@router.post("/logs/{request_id}/outcome")
async def post_outcome(context: ContextDep, key: KeyDep, request_id: str, new: NewOutcome) -> RecordedOutcome:
    """Record an outcome. The latest outcome of each source counts; `correct: null` withdraws it."""
    outcome = await record_outcome(context.access, key, request_id=request_id, new=new)
    message = "outcome withdrawn" if outcome.correct is None else "outcome recorded"
    return RecordedOutcome(request_id=request_id, message=message, **outcome.model_dump())


@router.get("/logs/{request_id}/outcome")
async def get_outcomes(context: ContextDep, key: KeyDep, request_id: str) -> Outcomes:
    """List the latest outcome of each source, oldest first."""
    return Outcomes(request_id=request_id, outcomes=await list_outcomes(context.access, key, request_id=request_id))
