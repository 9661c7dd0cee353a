"""`manage.py clear`: delete all traces from a database, unless it looks like production."""

import re

import psycopg

from core.audit.store import Action
from core.cli.sizes import count_of
from core.database.migrations import Stamp
from core.local.connection import ChoreError, connect
from core.pairing.version import SCORING_VERSION
from core.transfer import store
from core.transfer.store import Contents

LOCK_TIMEOUT_MS = 10_000
NOT_PRODUCTION = frozenset({"staging", "dev", "test"})
"""Parts of an app's name, separated by dashes, that mark its database as safe to clear."""


def looks_like_production(app_name: str) -> bool:
    """Return whether no part of a name is in NOT_PRODUCTION: true for `contest`, false for `thunder-backend-dev`."""
    return NOT_PRODUCTION.isdisjoint(re.split(r"[^a-z0-9]+", app_name.lower()))


def require_clearable(stamp: Stamp | None, *, app_name: str, embedded: bool, yes_production: bool) -> Stamp:
    """Refuse to clear a database that has no stamp, belongs to another app, or looks like production.

    Args:
        stamp: the stamp of the database.
        app_name: the app that it must belong to.
        embedded: whether it is the embedded database, which is never production, although it may have its name.
        yes_production: clear it even if it looks like production.

    Raises:
        ChoreError: the database is refused.
    """
    if stamp is None:
        raise ChoreError("database: has no stamp yet, so it contains no data of Thunder; check DATABASE_URL")
    if not embedded and stamp.app_name != app_name:
        raise ChoreError(
            f"database: belongs to {stamp.app_name}, not to {app_name}; check DATABASE_URL and THUNDER_APP_NAME"
        )
    if embedded or yes_production or not looks_like_production(stamp.app_name):
        return stamp
    raise ChoreError(
        f"database: {stamp.app_name} looks like production (its name has none of {', '.join(sorted(NOT_PRODUCTION))}); "
        "to clear it anyway, add --yes-production"
    )


def clear_database(dsn: str, *, app_name: str) -> Contents:
    """Clear a database after current writes end, and return the counts of its previous contents.

    Raises:
        ChoreError: the database belongs to another app by now, a request is on legal hold, or a write takes longer than
            the timeout.
        DatabaseUnreachableError: the database does not answer.
    """
    with connect(dsn) as conn, conn.transaction():
        store.SET_LOCK_TIMEOUT.run(conn, milliseconds=LOCK_TIMEOUT_MS)
        try:
            present = store.HOLD_WRITERS.run(conn).fetchone()
            if present != app_name:
                raise ChoreError(f"database: now belongs to {present or 'no app'}, so nothing was cleared; check it")
            contents = store.COUNT_CONTENTS.run_only(conn, scoring_version=SCORING_VERSION)
            if held := store.COUNT_HOLDS.run_only(conn):
                requests = count_of(held, "request is", "requests are")
                raise ChoreError(
                    f"database: {requests} on legal hold, so nothing was cleared; lift the holds first (GET /v1/holds)"
                )
            store.CLEAR.run(conn)
            store.note(conn, Action.CLEAR, {"requests": contents.requests})
        except psycopg.errors.LockNotAvailable:
            waited = LOCK_TIMEOUT_MS // 1000
            raise ChoreError(f"database: in use for {waited} s, so nothing was cleared; try again later") from None
    return contents


def describe_cleared(contents: Contents) -> list[str]:
    """Describe the deleted data and the kept data."""
    deleted = [
        count_of(contents.requests, "request", "requests"),
        count_of(contents.tokens, "token", "tokens"),
        count_of(contents.collections, "collection", "collections"),
        count_of(contents.calibrators, "calibrator", "calibrators"),
        count_of(contents.comments, "comment", "comments"),
        count_of(contents.outcomes, "outcome", "outcomes"),
    ]
    kept = [count_of(contents.keys, "key", "keys"), "the stamp", "receipts of deletions", "the audit log"]
    return [f"cleared      {', '.join(deleted)}", f"kept         {', '.join(kept)}"]
