"""Create, list, activate and delete calibrators.

A user's calibrator is fitted to that user's requests and applied only to them. An admin's is fitted to the requests of
all owners. Its parameters are never shown, because those of an isotonic one are scores of single requests.
"""

from dataclasses import asdict
from typing import Any

from psycopg.types.json import Jsonb

from core.access.access import Access
from core.access.caller import ForbiddenError, Scope
from core.access.session import Session
from core.audit.store import Action
from core.calibrators import store
from core.calibrators.choice import Fitted
from core.calibrators.fit import Isotonic
from core.calibrators.store import Calibrator
from core.database.pool import retry_read
from core.errors import NotFoundError


@retry_read
async def list_calibrators(access: Access, key: str | None, *, limit: int, offset: int) -> tuple[list[Calibrator], int]:
    """List a page of the caller's calibrators, newest first, with the total. Admins see all calibrators."""
    async with access.session(key, Scope.READ) as session:
        owner = session.caller.owner_filter
        rows = await store.LIST_CALIBRATORS.fetch_all(session.conn, id=None, owner=owner, limit=limit, offset=offset)
    return rows, rows[0].total if rows else 0


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
        stored = await _set_active(session, number, active=True)
        details = stored.model_dump(include={"score", "method", "n", "version", "for_users"})
        await session.note(Action.CREATE_CALIBRATOR, f"calibrator:{number}", details)
    return stored


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
        changed = await _set_active(session, number, active=active)
        await session.note(Action.CHANGE_CALIBRATOR, f"calibrator:{number}", {"active": active})
    return changed


async def _set_active(session: Session, number: int, *, active: bool) -> Calibrator:
    owner = session.caller.owner_filter
    if active:
        await store.DEACTIVATE_OTHERS.execute(session.conn, id=number, owner=owner)
    await store.SET_ACTIVE.execute(session.conn, id=number, owner=owner, active=active)
    found = await store.LIST_CALIBRATORS.fetch_one(session.conn, id=number, owner=owner, limit=1, offset=0)
    if found is None:
        raise _missing_error(number)
    return found


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
