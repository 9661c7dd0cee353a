"""The statements of deletions, and the types of their rows."""

from typing import Annotated

from pydantic import PlainSerializer

from core.database.query import Row, query
from core.wire.timestamp import UtcMoment

Hex = Annotated[bytes, PlainSerializer(bytes.hex, return_type=str)]


class Deletion(Row):
    """A receipt of a deleted request, with the number of rows deleted from each table.

    Attributes:
        request_sha256: SHA-256 of the request's id in UTF-8, in hex.
        deleted_by: user, admin, key:<id>, command or retention.
        reason: request, user or age.
        document_bytes: size of the posted document.
        ordinal: its number in the chain of receipts, from 1.
        chain: SHA-256 over the hash of the previous receipt and the content of this one, in hex.
    """

    request_sha256: Hex
    deleted_at: UtcMoment
    deleted_by: str
    reason: str
    document_bytes: int
    steps: int
    summaries: int
    mod_calls: int
    mod_logs: int
    actions: int
    discussions: int
    outcomes: int
    memberships: int
    ordinal: int
    chain: Hex


class DeletableCount(Row):
    """The numbers of objects that a deletion covers.

    Attributes:
        deletable: requests that would be deleted.
        held: requests that would stay because of a legal hold.
        others: activation runs, collections, alerts, calibrators, sign-ins and playground keys of the user that would
            be deleted as well.
    """

    deletable: int
    held: int
    others: int


class Hold(Row):
    """A legal hold. `held_by` is an actor of the audit log."""

    request_id: str
    reason: str
    held_by: str
    held_at: UtcMoment


LOCK_DELETABLE = query("deletions/lock_deletable", int)
COUNT_DELETABLE = query("deletions/count_deletable", DeletableCount)
DELETE_REQUESTS = query("deletions/delete_requests", Deletion)
DELETE_BELONGINGS = query("deletions/delete_belongings")
DELETE_RUNS_OF = query("deletions/delete_runs_of")
LIST_DELETIONS = query("deletions/list_deletions", Deletion)
SET_HOLD = query("deletions/set_hold", Hold)
LIFT_HOLD = query("deletions/lift_hold", int)
LIST_HOLDS = query("deletions/list_holds", Hold)
LOCK_MODS = query("deletions/lock_mods")
DELETE_UNUSED_MODS = query("deletions/delete_unused_mods")
