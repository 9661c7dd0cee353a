"""/logs/{id}/outcome: verdicts on whether an answer was correct."""

from fastapi import APIRouter, FastAPI, Request
from pydantic import BaseModel

from core.outcomes.outcome import NewOutcome, list_outcomes, record_outcome
from core.outcomes.store import Outcome
from functions.web.access import KeyDep
from functions.web.application import build_app
from functions.web.body import describe_body, read_model
from functions.web.context import ContextDep
from functions.web.scaling import Scaling

SCALING = Scaling(max_inputs=50, target_inputs=30, memory_mb=512)

router = APIRouter(tags=["outcomes"])


class RecordedOutcome(Outcome):
    """A recorded verdict and its request."""

    request_id: str
    message: str


class Outcomes(BaseModel):
    """The verdicts on a request."""

    request_id: str
    outcomes: list[Outcome]


@router.post("/logs/{request_id}/outcome", openapi_extra=describe_body(NewOutcome))
async def post_outcome(request: Request, context: ContextDep, key: KeyDep, request_id: str) -> RecordedOutcome:
    """Record a verdict. The latest verdict of each source counts; `correct: null` withdraws it."""
    await context.access.authenticate(key)
    verdict = await read_model(request, NewOutcome)
    outcome = await record_outcome(context.access, key, request_id=request_id, verdict=verdict)
    message = "verdict withdrawn" if outcome.correct is None else "verdict recorded"
    return RecordedOutcome(request_id=request_id, message=message, **outcome.model_dump())


@router.get("/logs/{request_id}/outcome")
async def get_outcomes(context: ContextDep, key: KeyDep, request_id: str) -> Outcomes:
    """List the latest verdict of each source, oldest first."""
    return Outcomes(request_id=request_id, outcomes=await list_outcomes(context.access, key, request_id=request_id))


def web() -> FastAPI:
    """Build the ASGI application of this endpoint."""
    return build_app(router)
