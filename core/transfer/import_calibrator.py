"""Import a line of `export --what calibrators`."""

import math
from dataclasses import asdict
from itertools import pairwise
from typing import Annotated, Any

from psycopg.types.json import Jsonb
from pydantic import Field, model_validator

from core.access.access import Access
from core.access.caller import Scope
from core.access.session import Session
from core.audit.store import Action
from core.calibrators.fit import Method
from core.calibrators.quality import Quality
from core.calibrators.store import DELETE_CALIBRATOR, INSERT_CALIBRATOR, LOCK_CALIBRATORS
from core.errors import InvalidInputError
from core.statistics.scores import Score
from core.transfer.import_items import OnConflict, Outcome, Status
from core.transfer.store import FIND_CALIBRATOR
from core.wire.models import Frozen
from core.wire.timestamp import Timestamp

MAX_KNOTS = 100_000
CONFLICT_NOTE = "another calibrator has this version; --on-conflict replace replaces it"

Finite = Annotated[float, Field(allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1, le=2**31 - 1)]


class ExportedCalibrator(Frozen, extra="forbid"):
    """A calibrator of an export. Its owner is the label `user_api_key`; the admins if that is None."""

    user_api_key: str | None
    for_users: bool
    model: Annotated[str, Field(min_length=1)]
    k: Count
    logprobs_mode: str | None
    version: Count
    active: bool
    score: Score
    method: Method
    knots: Annotated[list[Finite], Field(min_length=1, max_length=MAX_KNOTS)] | None
    probabilities: list[Annotated[float, Field(ge=0, le=1)]] | None
    slope: Finite | None
    intercept: Finite | None
    n: Count
    correct: Count
    labelled_from: Timestamp
    labelled_to: Timestamp
    quality: Quality
    created_at: Timestamp

    @model_validator(mode="after")
    def _check_curve(self) -> "ExportedCalibrator":
        knots, probabilities = self.knots or [], self.probabilities or []
        rising = all(low < high for low, high in pairwise(knots))
        isotonic = bool(knots) and len(knots) == len(probabilities) and rising
        platt = self.slope is not None and self.intercept is not None and math.fabs(self.slope) < 1e100
        if not (isotonic if self.method is Method.ISOTONIC else platt):
            raise ValueError(f"the parameters are not those of method {self.method.value}; export it again")
        if self.score is Score.P_CORRECT:
            raise ValueError("score: p_correct comes from a calibrator; export it again")
        if self.for_users and self.user_api_key is not None:
            raise ValueError("for_users: only an admins' calibrator can apply to users; export it again")
        return self

    @property
    def curve(self) -> tuple[Any, ...]:
        """The parameters, in the order of CalibratorVersion."""
        return self.score, self.method, self.knots, self.probabilities, self.slope, self.intercept, self.for_users

    def describe(self) -> str:
        """Return a name for the line that reports the import."""
        return f"calibrator {self.version} of {self.model!r}, k {self.k}, {self.logprobs_mode or 'no logprobs_mode'}"


class CalibratorLine(Frozen, extra="forbid"):
    """A line with a calibrator."""

    thunder_calibrator: ExportedCalibrator


async def restore_calibrator(
    access: Access, key: str | None, exported: ExportedCalibrator, *, on_conflict: OnConflict
) -> Outcome:
    """Store a calibrator unless it is already stored. It becomes active if it was, unless another one is.

    Raises:
        InvalidInputError: its owner is unknown in this database.
    """
    async with access.session(key, Scope.ADMIN) as session:
        owner = await _find_owner(session, exported.user_api_key)
        domain = exported.model_dump(include={"model", "k", "logprobs_mode", "version"}) | {"user_key_hmac": owner}
        await LOCK_CALIBRATORS.execute(session.conn)
        stored = await FIND_CALIBRATOR.fetch_one(session.conn, **domain)
        if stored is not None and tuple(stored[1:]) == exported.curve:
            return Outcome(Status.SKIPPED, exported.describe())
        if stored is not None and on_conflict is OnConflict.SKIP:
            return Outcome(Status.CONFLICT, exported.describe(), CONFLICT_NOTE)
        if stored is not None:
            await DELETE_CALIBRATOR.execute(session.conn, id=stored.id, owner=None)
        number = await INSERT_CALIBRATOR.fetch_only(session.conn, **domain, **_list_columns(exported))
        await session.note(Action.CREATE_CALIBRATOR, f"calibrator:{number}", {"imported": True})
    return Outcome(Status.OK if stored is None else Status.REPLACED, exported.describe())


def _list_columns(exported: ExportedCalibrator) -> dict[str, Any]:
    names = ("for_users", "active", "knots", "probabilities", "slope", "intercept", "n", "correct")
    times = ("labelled_from", "labelled_to", "created_at")
    return {
        **{name: getattr(exported, name) for name in (*names, *times)},
        "user_key_label": exported.user_api_key,
        "score": exported.score.value,
        "method": exported.method.value,
        "quality": Jsonb(asdict(exported.quality)),
    }


async def _find_owner(session: Session, label: str | None) -> bytes | None:
    owner = None if label is None else await session.resolve_owner(label)
    if label is not None and owner is None:
        raise InvalidInputError(
            f"thunder_calibrator.user_api_key: no user has the label {label!r}; import the user's traces first"
        )
    return owner.hmac if owner else None
