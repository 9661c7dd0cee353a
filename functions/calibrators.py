"""/v1/calibrators: functions from a score to the probability that an answer is correct."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field, field_validator

from core.access.caller import Scope
from core.calibrators.calibrator import (
    change_calibrator,
    delete_calibrator,
    list_calibrators,
    require_creator,
    store_calibrator,
)
from core.calibrators.choice import Fitted, fit_labels, fit_labels_apart, select_mode
from core.calibrators.fit import Method
from core.calibrators.store import Calibrator
from core.confidence.distribution import MAX_TOP_TOKENS
from core.responses.options import MAX_MODE_CHARS
from core.statistics.labels import LabelFilters, fetch_labels
from core.statistics.scores import Score
from core.statistics.store import LabelRow
from core.wire.models import Body
from core.wire.page import DEFAULT_LIMIT, Limit, Offset
from functions.web.access import KeyDep
from functions.web.context import Context, ContextDep
from functions.web.done import Done
from functions.web.heavy import TooHeavyError
from functions.web.labelled import measure_labels
from functions.web.query import PeriodQuery, RowId, TextParam
from functions.web.scaling import Scaling
from functions.web.small_body import SmallBodyRoute

SCALING = Scaling(max_inputs=8, target_inputs=4, memory_mb=1024)

MAX_LIGHT_LABELS = 2000
"""Labels that are fitted in this process, which takes up to 0.3 s. For 20 000, Platt's method takes 3 s."""

router = APIRouter(tags=["calibrators"], route_class=SmallBodyRoute)


class NewCalibrator(PeriodQuery, frozen=True, extra="forbid", strict=True):
    """A calibrator to fit: the score and the method, and filters of the labeled requests."""

    score: Annotated[Score, Field(strict=False)]
    method: Annotated[Method, Field(strict=False)]
    k: Annotated[int | None, Field(ge=1, le=MAX_TOP_TOKENS)] = None
    logprobs_mode: Annotated[str | None, Field(max_length=MAX_MODE_CHARS)] = None
    outcome_source: TextParam = None
    for_users: bool | None = None

    @field_validator("score")
    @classmethod
    def _refuse_probability(cls, score: Score) -> Score:
        if score is Score.P_CORRECT:
            raise ValueError("p_correct comes from a calibrator; send the score that it is computed from")
        return score

    @property
    def labelled(self) -> LabelFilters:
        """The filters of the labeled requests."""
        return LabelFilters(self.read(), self.k, self.outcome_source or None)


class CalibratorChange(Body, extra="forbid"):
    """A change of a calibrator."""

    active: bool


class ChangedCalibrator(BaseModel):
    """A calibrator after a change."""

    calibrator: Calibrator
    message: str


class Calibrators(BaseModel):
    """A page of the caller's calibrators, newest first."""

    calibrators: list[Calibrator]
    total: int
    limit: int
    offset: int


@router.post(
    "/v1/calibrators",
    status_code=201,
    responses={409: {"description": "the labeled requests are too few, all correct, all incorrect, or of two models"}},
)
async def post_calibrator(context: ContextDep, key: KeyDep, new: NewCalibrator) -> ChangedCalibrator:
    """Fit a calibrator to labeled requests, and make it the active one of its model, k and logprobs_mode."""
    await require_creator(context.access, key, for_users=new.for_users)
    rows = await fetch_labels(context.access, key, scores=[new.score], labelled=new.labelled, scope=Scope.CURATE)
    if "logprobs_mode" in new.model_fields_set:
        rows = select_mode(rows, new.logprobs_mode)
    with context.reserve_for(key, measure_labels(rows)):
        fitted = await _fit(context, key, rows, new)
    calibrator = await store_calibrator(context.access, key, fitted, for_users=new.for_users)
    return ChangedCalibrator(calibrator=calibrator, message="calibrator created; it applies to new requests")


@router.get("/v1/calibrators")
async def get_calibrators(
    context: ContextDep, key: KeyDep, *, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0
) -> Calibrators:
    """List the caller's calibrators, newest first. Admins see all calibrators."""
    page, total = await list_calibrators(context.access, key, limit=limit, offset=offset)
    return Calibrators(calibrators=page, total=total, limit=limit, offset=offset)


@router.patch("/v1/calibrators/{calibrator_id}")
async def patch_calibrator(
    context: ContextDep, key: KeyDep, calibrator_id: RowId, change: CalibratorChange
) -> ChangedCalibrator:
    """Activate a calibrator in place of the active one, or deactivate it. Stored requests keep their version."""
    calibrator = await change_calibrator(context.access, key, number=calibrator_id, active=change.active)
    message = "calibrator activated" if change.active else "calibrator deactivated"
    return ChangedCalibrator(calibrator=calibrator, message=message)


@router.delete("/v1/calibrators/{calibrator_id}")
async def remove_calibrator(context: ContextDep, key: KeyDep, calibrator_id: RowId) -> Done:
    """Delete a calibrator. Stored requests keep p_correct and the version."""
    await delete_calibrator(context.access, key, number=calibrator_id)
    return Done(id=calibrator_id, message="calibrator deleted")


async def _fit(context: Context, key: str | None, rows: list[LabelRow], new: NewCalibrator) -> Fitted:
    if len(rows) <= MAX_LIGHT_LABELS:
        return await context.run_for(key, fit_labels, rows, new.score, new.method)
    account = context.access.admission.find_account(key)
    try:
        return await context.run_heavy(account, fit_labels_apart, new.method.value.encode(), rows, new.score)
    except TooHeavyError:
        raise TooHeavyError("from: the fit takes too long; send a later from, to fit fewer requests") from None
