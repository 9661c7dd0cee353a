"""`manage.py clear`: empty a database of traces, unless it looks like production's."""

import re

import psycopg

from core.cli.sizes import count_of
from core.database.migrations import Stamp
from core.local.connection import ChoreError, connect
from core.pairing.version import SCORING_VERSION
from core.transfer import store
from core.transfer.store import Contents

LOCK_TIMEOUT_MS = 10_000
NOT_PRODUCTION = frozenset({"staging", "dev", "test"})
"""Parts of an app's name, between its dashes, that say it may be emptied."""


def looks_like_production(app_name: str) -> bool:
    """Whether no part of an app's name says otherwise: `thunder-backend-dev` does, `contest` does not."""
    return NOT_PRODUCTION.isdisjoint(re.split(r"[^a-z0-9]+", app_name.lower()))


def require_clearable(stamp: Stamp | None, *, app_name: str, embedded: bool, yes_production: bool) -> Stamp:
    """Refuse a database that is nobody's, or production's by its looks.

    Args:
        stamp: whose it is.
        app_name: whose it must be.
        embedded: it is the laptop's own, which has production's name unless somebody chose another.
        yes_production: somebody insists.

    Raises:
        ChoreError: it is refused.
    """
    if stamp is None:
        raise ChoreError("this database belongs to nobody yet, so there is nothing of Thunder's to clear")
    if not embedded and stamp.app_name != app_name:
        raise ChoreError(f"this database belongs to {stamp.app_name}, and this is {app_name} (THUNDER_APP_NAME)")
    if embedded or yes_production or not looks_like_production(stamp.app_name):
        return stamp
    raise ChoreError(
        f"{stamp.app_name} looks like production (its name has none of {', '.join(sorted(NOT_PRODUCTION))}): "
        "add --yes-production if it is to be emptied all the same"
    )


def clear_database(dsn: str, *, app_name: str) -> Contents:
    """Empty it once no write is under way, and return what was in it.

    Raises:
        ChoreError: it is not this app's any more, a request is on legal hold, or somebody uses it for longer than we
            wait.
        DatabaseUnreachableError: it does not answer.
    """
    with connect(dsn) as conn, conn.transaction():
        store.set_lock_timeout(conn, milliseconds=LOCK_TIMEOUT_MS)
        try:
            owner = store.hold_writers(conn)
            if owner != app_name:
                raise ChoreError(f"this database belongs to {owner or 'nobody'} by now; nothing was cleared")
            contents = store.count_contents(conn, scoring_version=SCORING_VERSION)
            if held := store.count_holds(conn):
                requests = count_of(held, "request is", "requests are")
                raise ChoreError(f"{requests} on legal hold (GET /v1/holds): lift that first; nothing was cleared")
            store.clear(conn)
            store.note_clearing(conn, requests=contents.requests)
        except psycopg.errors.LockNotAvailable:
            waited = LOCK_TIMEOUT_MS // 1000
            raise ChoreError(f"somebody has been using the database for {waited} s; nothing was cleared") from None
    return contents


def describe_cleared(contents: Contents) -> list[str]:
    """What went, and what stays."""
    went = [
        count_of(contents.requests, "request", "requests"),
        count_of(contents.tokens, "token", "tokens"),
        count_of(contents.collections, "collection", "collections"),
        count_of(contents.comments, "comment", "comments"),
        count_of(contents.verdicts, "verdict", "verdicts"),
    ]
    kept = [count_of(contents.keys, "key", "keys"), "the owner's stamp", "receipts of deletions", "the audit log"]
    return [f"cleared      {', '.join(went)}", f"kept         {', '.join(kept)}"]
