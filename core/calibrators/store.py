"""The statements of calibrators, and the types of their rows."""

from typing import Annotated

from pydantic import Field

from core.calibrators.fit import Method
from core.calibrators.quality import Comparison
from core.database.query import Row, query
from core.statistics.scores import Score
from core.wire.models import Frozen
from core.wire.timestamp import UtcMoment


class Period(Frozen):
    """When the earliest and the latest of the labeled requests began."""

    start: Annotated[UtcMoment, Field(serialization_alias="from")]
    finish: Annotated[UtcMoment, Field(serialization_alias="to")]


class Calibrator(Row):
    """A calibrator as its owner sees it, without its parameters.

    Attributes:
        version: counts the calibrators of one owner, model, k and logprobs_mode.
        active: whether it applies to new requests.
        user_api_key: the label of the user that it belongs to; None if it belongs to the admins.
        for_users: whether an admins' calibrator applies to users' requests, too.
        n: number of labeled requests that it is fitted to.
        correct: number of correct answers among them.
        ece: expected calibration error, cross-validated.
        brier: mean squared error, cross-validated.
        total: the number of all calibrators of the caller.
    """

    id: int
    version: int
    active: bool
    score: Score
    method: Method
    model: str
    k: int
    logprobs_mode: str | None
    user_api_key: str | None
    for_users: bool
    n: int
    correct: int
    period: Period
    folds: int
    ece: Comparison
    brier: Comparison
    created_at: UtcMoment
    total: Annotated[int, Field(exclude=True)]


class Applied(Row):
    """A calibrated probability, and the calibrator that it comes from."""

    p_correct: float
    calibrator: dict[str, int]


LOCK_CALIBRATORS = query("calibrators/lock_calibrators")
INSERT_CALIBRATOR = query("calibrators/insert_calibrator", int)
DEACTIVATE_OTHERS = query("calibrators/deactivate_others")
SET_ACTIVE = query("calibrators/set_active")
LIST_CALIBRATORS = query("calibrators/list_calibrators", Calibrator)
DELETE_CALIBRATOR = query("calibrators/delete_calibrator", int)
APPLY_CALIBRATOR = query("calibrators/apply_calibrator", Applied)
