"""Visibility of runs: admins see all; callers without a key see the runs made without a key; others see their own."""

from core.access.caller import ForbiddenError
from core.access.session import Session


def select_runs(session: Session) -> dict[str, object]:
    """Return the parameters of `is_visible` for the caller of a session."""
    owner = session.caller.owner_filter
    return {"sees_all": owner is None, "is_keyless": session.key is None, "owner": owner}


def require_owner(session: Session) -> None:
    """Check that the caller can own runs.

    Raises:
        ForbiddenError: the key is neither bound to a user nor an admin key, so it would not see its own runs.
    """
    if session.key is not None and not session.caller.is_admin and session.caller.owner is None:
        raise ForbiddenError("key: bound to no user, so it can't own runs; use a user's key or an admin key")
