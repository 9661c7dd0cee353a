"""The statements of calibrators, and the types of their rows."""

from typing import Annotated, Any

from pydantic import Field

from core.database.query import Row, query
from core.wire.timestamp import UtcMoment


class CalibratorRow(Row):
    """A calibrator as its owner sees it, without its parameters."""

    id: int
    version: int
    is_active: bool
    score: str
    method: str
    model: str
    k: int
    logprobs_mode: str | None
    user_key_label: str | None
    for_users: bool
    n: int
    correct: int
    labelled_from: UtcMoment
    labelled_to: UtcMoment
    quality: dict[str, Any]
    created_at: UtcMoment


class ListedRow(CalibratorRow):
    """A calibrator, and the number of all calibrators of the caller."""

    total: Annotated[int, Field(exclude=True)]


class Applied(Row):
    """A calibrated probability, and the calibrator that it comes from."""

    p_correct: float
    calibrator: dict[str, int]


LOCK_CALIBRATORS = query("calibrators/lock_calibrators")
INSERT_CALIBRATOR = query("calibrators/insert_calibrator", int)
DEACTIVATE_OTHERS = query("calibrators/deactivate_others")
SET_ACTIVE = query("calibrators/set_active")
LIST_CALIBRATORS = query("calibrators/list_calibrators", ListedRow)
DELETE_CALIBRATOR = query("calibrators/delete_calibrator", int)
APPLY_CALIBRATOR = query("calibrators/apply_calibrator", Applied)
