"""Create, list, activate and delete calibrators.

A user's calibrator is fitted to that user's requests and applied only to them. An admin's is fitted to the requests of
all owners. Its parameters are never shown, because those of an isotonic one are scores of single requests.
"""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

from psycopg.types.json import Jsonb
from pydantic import Field

from core.access.access import Access
from core.access.caller import ForbiddenError, Scope
from core.access.session import Session
from core.audit.store import Action
from core.calibrators import store
from core.calibrators.choice import Fitted
from core.calibrators.fit import Isotonic, Method
from core.calibrators.quality import Comparison
from core.calibrators.store import CalibratorRow
from core.database.pool import retry_read
from core.errors import NotFoundError
from core.statistics.scores import Score
from core.wire.models import Frozen


class Period(Frozen):
    """When the earliest and the latest of the labelled requests began."""

    start: Annotated[datetime, Field(serialization_alias="from")]
    finish: Annotated[datetime, Field(serialization_alias="to")]


class Calibrator(Frozen):
    """A calibrator as its owner sees it.

    Attributes:
        version: counts the calibrators of one owner, model, k and logprobs_mode.
        active: whether it applies to new requests.
        user_api_key: the label of the user that it belongs to; None if it belongs to the admins.
        for_users: whether an admins' calibrator applies to users' requests, too.
        n: number of labelled requests that it is fitted to.
        correct: number of correct answers among them.
        ece: expected calibration error, cross-validated.
        brier: mean squared error, cross-validated.
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
    created_at: datetime


@retry_read
async def list_calibrators(access: Access, key: str | None, *, limit: int, offset: int) -> tuple[list[Calibrator], int]:
    """List a page of the caller's calibrators, newest first, with the total. Admins see all calibrators."""
    async with access.session(key, Scope.READ) as session:
        owner = session.caller.owner_filter
        rows = await store.LIST_CALIBRATORS.fetch_all(session.conn, id=None, owner=owner, limit=limit, offset=offset)
    return [to_calibrator(row) for row in rows], rows[0].total if rows else 0


async def require_creator(access: Access, key: str | None, *, for_users: bool | None) -> None:
    """Check that the caller may create a calibrator, before it is fitted.

    Raises:
        ForbiddenError: the key lacks the scope, is not bound to a user, or for_users is an admin's choice.
    """
    caller = await access.authenticate(key)
    caller.require(Scope.CURATE)
    if caller.is_admin:
        return
    if caller.owner is None:
        raise ForbiddenError("key: not bound to a user; use a user API key or a bound key")
    if for_users:
        raise ForbiddenError("for_users: only an admin's calibrator can apply to other users; leave it out")


async def store_calibrator(access: Access, key: str | None, fitted: Fitted, *, for_users: bool | None) -> Calibrator:
    """Store a new version, and make it the active one of its owner, model, k and logprobs_mode."""
    async with access.session(key, Scope.CURATE) as session:
        caller = session.caller
        owned = None if caller.is_admin else caller.owner
        await store.LOCK_CALIBRATORS.execute(session.conn)
        number = await store.INSERT_CALIBRATOR.fetch_only(
            session.conn,
            user_key_hmac=owned,
            user_key_label=caller.owner_label if owned else None,
            for_users=owned is None and for_users is not False,
            version=None,
            active=False,
            created_at=None,
            **to_columns(fitted),
        )
        row = await _set_active(session, number, active=True)
        details = {"score": row.score, "method": row.method, "n": row.n, "version": row.version}
        await session.note(Action.CREATE_CALIBRATOR, f"calibrator:{number}", {**details, "for_users": row.for_users})
    return to_calibrator(row)


def to_columns(fitted: Fitted) -> dict[str, Any]:
    """Return the columns of a fitted calibrator."""
    curve = fitted.curve
    isotonic, platt = (curve, None) if isinstance(curve, Isotonic) else (None, curve)
    return {
        "model": fitted.domain.model,
        "k": fitted.domain.k,
        "logprobs_mode": fitted.domain.logprobs_mode,
        "score": fitted.score.value,
        "method": fitted.method.value,
        "knots": isotonic.knots.tolist() if isotonic else None,
        "probabilities": isotonic.probabilities.tolist() if isotonic else None,
        "slope": platt.slope if platt else None,
        "intercept": platt.intercept if platt else None,
        "n": fitted.n,
        "correct": fitted.correct,
        "labelled_from": fitted.start,
        "labelled_to": fitted.finish,
        "quality": Jsonb(asdict(fitted.quality)),
    }


async def change_calibrator(access: Access, key: str | None, *, number: int, active: bool) -> Calibrator:
    """Activate a calibrator in place of the active one, or deactivate it. Stored requests keep their version.

    Raises:
        NotFoundError: no such calibrator, or it belongs to another owner.
    """
    async with access.session(key, Scope.CURATE) as session:
        await store.LOCK_CALIBRATORS.execute(session.conn)
        row = await _set_active(session, number, active=active)
        await session.note(Action.CHANGE_CALIBRATOR, f"calibrator:{number}", {"active": active})
    return to_calibrator(row)


async def _set_active(session: Session, number: int, *, active: bool) -> CalibratorRow:
    owner = session.caller.owner_filter
    if active:
        await store.DEACTIVATE_OTHERS.execute(session.conn, id=number, owner=owner)
    await store.SET_ACTIVE.execute(session.conn, id=number, owner=owner, active=active)
    row = await store.LIST_CALIBRATORS.fetch_one(session.conn, id=number, owner=owner, limit=1, offset=0)
    if row is None:
        raise _missing_error(number)
    return row


async def delete_calibrator(access: Access, key: str | None, *, number: int) -> None:
    """Delete a calibrator. Stored requests keep p_correct and the number of the version.

    Raises:
        NotFoundError: no such calibrator, or it belongs to another owner.
    """
    async with access.session(key, Scope.CURATE) as session:
        await store.LOCK_CALIBRATORS.execute(session.conn)
        owner = session.caller.owner_filter
        version = await store.DELETE_CALIBRATOR.fetch_one(session.conn, id=number, owner=owner)
        if version is None:
            raise _missing_error(number)
        await session.note(Action.DELETE_CALIBRATOR, f"calibrator:{number}", {"version": version})


def _missing_error(number: int) -> NotFoundError:
    return NotFoundError(f"calibrator_id: there is no calibrator {number}; check the id")


def to_calibrator(row: CalibratorRow) -> Calibrator:
    """Convert a row to the calibrator that its owner sees."""
    shown = row.model_dump(include=set(Calibrator.model_fields) & set(CalibratorRow.model_fields))
    return Calibrator(
        **shown,
        active=row.is_active,
        user_api_key=row.user_key_label,
        period=Period(start=row.labelled_from, finish=row.labelled_to),
        **row.quality,
    )
