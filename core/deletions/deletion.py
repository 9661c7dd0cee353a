"""Delete requests in batches of one transaction each. Only a receipt of each request remains.

Requests on legal hold (core.deletions.hold) are skipped.

Mods that no remaining request uses are deleted, because their names may come from the deleted requests alone. Deleting
all requests of a user also deletes the user's collections, alerts, calibrators, sign-ins and playground keys, even if
some requests are on hold. A receipt has a hash of the request's id and no text.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from core.access.access import Access
from core.access.caller import Scope
from core.access.session import Session
from core.audit.store import Action, insert_entry, name_request
from core.database.statements import NOTIFY_STREAMS
from core.deletions import store
from core.deletions.store import DeletableCount, Deletion
from core.errors import InvalidInputError, NothingMatchedError, ThunderError
from core.traces.own_request import lock_own_request

BATCH = 50
"""Requests per transaction. Even large requests stay locked for a few seconds at most."""


@dataclass(frozen=True, slots=True)
class DeletionScope:
    """The requests to delete: those of a user, stored before a time. None means any user or time."""

    user_key: str | None = None
    before: datetime | None = None

    @property
    def reason(self) -> str:
        """The reason on the receipts."""
        return "age" if self.user_key is None else "user"


class HeldError(ThunderError):
    """The request is on legal hold."""

    status = 409


async def delete_request(access: Access, key: str | None, *, request_id: str) -> Deletion:
    """Delete one request of the caller.

    Raises:
        ForbiddenError: the key lacks the scope `delete`.
        NotFoundError: the request does not exist, or is not the caller's.
        HeldError: the request is on legal hold.
    """
    async with access.session(key, Scope.DELETE) as session:
        row_id = await lock_own_request(session, request_id)
        receipts = await _delete(session, [row_id], session.caller.poster, "request")
        if not receipts:
            raise HeldError("request_id: on legal hold; an admin can lift it with DELETE /logs/{request_id}/hold")
        await session.note(Action.DELETE_REQUEST, name_request(request_id))
    return receipts[0]


async def count_deletable(access: Access, key: str | None, scope: DeletionScope) -> DeletableCount:
    """Count the requests that would be deleted, and those that would stay because they are on legal hold.

    Raises:
        InvalidInputError: neither a user nor a time is given.
        NothingMatchedError: no user has this label, or the user owns nothing that matches.
    """
    await access.settle_key(scope.user_key, by=key)
    async with access.session(key, Scope.ADMIN) as session:
        owner = await _find_owner(session, scope)
        found = await store.COUNT_DELETABLE.fetch_only(session.conn, owner=owner, before=scope.before)
    if scope.user_key is not None and not (found.deletable or found.held or found.others):
        raise NothingMatchedError("user_key: nothing of this user matches; check the key, or give the user's label")
    return found


async def delete_all(
    access: Access,
    key: str | None,
    scope: DeletionScope,
    *,
    deleted_by: str,
    report: Callable[[list[Deletion]], object] = len,
) -> int:
    """Delete all matching requests in batches, and return their number.

    `report` is called with the receipts of each batch after its commit. After a failure, another call continues.

    Raises:
        InvalidInputError: neither a user nor a time is given.
        NothingMatchedError: no user has this label.
    """
    count, is_last = 0, False
    while not is_last:
        await access.settle_key(scope.user_key, by=key)
        async with access.session(key, Scope.ADMIN) as session:
            owner = await _find_owner(session, scope)
            ids = await store.LOCK_DELETABLE.fetch_all(session.conn, owner=owner, before=scope.before, limit=BATCH)
            is_last = len(ids) < BATCH
            if owner is not None and scope.before is None and is_last:
                await store.DELETE_BELONGINGS.execute(session.conn, owner=owner)
            if is_last:
                await store.DELETE_RUNS_OF.execute(session.conn, owner=owner, before=scope.before)
            receipts = await _delete(session, ids, deleted_by, scope.reason) if ids else []
            if receipts:
                details = {"count": len(receipts), "reason": scope.reason, "deleted_by": deleted_by}
                await insert_entry(
                    session.conn, actor=deleted_by, action=Action.DELETE_REQUESTS, subject="requests", details=details
                )
        if receipts:
            report(receipts)
        count += len(receipts)
    return count


async def list_deletions(
    access: Access, key: str | None, *, request_id: str | None, limit: int, offset: int
) -> list[Deletion]:
    """List a page of the receipts, newest first, of all requests or of one. Admins only."""
    digest = None if request_id is None else hash_request_id(request_id)
    async with access.session(key, Scope.ADMIN) as session:
        return await store.LIST_DELETIONS.fetch_all(session.conn, request_sha256=digest, limit=limit, offset=offset)


def hash_request_id(request_id: str) -> bytes:
    """Return the SHA-256 of a request's id, which receipts have in place of the id."""
    return sha256(request_id.encode("utf-8", "surrogatepass")).digest()


async def _delete(session: Session, ids: list[int], deleted_by: str, reason: str) -> list[Deletion]:
    receipts = await store.DELETE_REQUESTS.fetch_all(session.conn, ids=ids, deleted_by=deleted_by, reason=reason)
    await store.LOCK_MODS.execute(session.conn)  # waits for traces that are being stored
    await store.DELETE_UNUSED_MODS.execute(session.conn)
    await NOTIFY_STREAMS.execute(session.conn)  # a user API key stops working when its last request is deleted
    return receipts


async def _find_owner(session: Session, scope: DeletionScope) -> bytes | None:
    if scope.user_key is None and scope.before is None:
        raise InvalidInputError(
            "user: no user or age is given; give one, or use `manage.py clear` to delete all requests"
        )
    if scope.user_key is None:
        return None
    owner = await session.resolve_owner(scope.user_key)
    if owner is None:
        raise NothingMatchedError(f"user_key: no user has the label {scope.user_key!r}; send the key itself")
    return owner.hmac
