"""Deleting requests: each batch in one transaction, with receipts; nothing else of a request stays in any table.

Requests on legal hold (core.deletions.hold) are passed over.

A mod's name may have come with the deleted request alone, so mods that nothing names any more go as well. A user's
collections go with all of their requests. Receipts hold a hash of the request's id, no text.
"""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from core.access.caller import Scope
from core.access.session import Access, Visit
from core.audit.store import Action, name_request
from core.database.statements import notify_streams
from core.deletions import store
from core.deletions.store import Deletion, DoomedCount
from core.errors import InvalidInputError, ThunderError
from core.traces.own_request import lock_own_request

BATCH = 50
"""Requests per transaction: seconds at most, even of large ones; they are locked meanwhile."""


@dataclass(frozen=True, slots=True)
class Doomed:
    """Which requests shall go: those that are both, of a user and from before a moment; null: any."""

    user_key: str | None = None
    before: datetime | None = None

    @property
    def reason(self) -> str:
        """For the receipts."""
        return "age" if self.user_key is None else "user"


class HeldError(ThunderError):
    """The request is on legal hold."""

    status = 409


async def delete_request(access: Access, key: str | None, *, request_id: str) -> Deletion:
    """Delete one request that is the caller's.

    Raises:
        ForbiddenError: the key lacks the scope `delete`.
        NotFoundError: there is none, or it is not the caller's.
        HeldError: it is on legal hold.
    """
    async with access.visit(key, Scope.DELETE) as visit:
        row = await lock_own_request(visit, request_id)
        receipts = await _delete(visit, [row.id], visit.caller.poster, "request")
        if not receipts:
            raise HeldError("this request is on legal hold: an admin lifts it with DELETE /logs/{request_id}/hold")
        await visit.note(Action.DELETE_REQUEST, name_request(request_id))
    return receipts[0]


async def count_doomed(access: Access, key: str | None, doomed: Doomed) -> DoomedCount:
    """How many requests would go, and how many are on legal hold and stay.

    Raises:
        InvalidInputError: it is all of them, or nobody has this label.
    """
    async with access.visit(key, Scope.ADMIN) as visit:
        return await store.count_doomed(visit.conn, owner=await _find_owner(visit, doomed), before=doomed.before)


async def delete_doomed(
    access: Access, key: str | None, doomed: Doomed, *, deleted_by: str
) -> AsyncIterator[list[Deletion]]:
    """Delete requests batch by batch, each for good before the next; stop early and go on later as you like.

    Raises:
        InvalidInputError: it is all of them, or nobody has this label.
    """
    while True:
        async with access.visit(key, Scope.ADMIN) as visit:
            owner = await _find_owner(visit, doomed)
            ids = await store.lock_doomed(visit.conn, owner=owner, before=doomed.before, limit=BATCH)
            if owner is not None and doomed.before is None and len(ids) < BATCH:
                await store.delete_collections_of(visit.conn, owner=owner)
            receipts = await _delete(visit, ids, deleted_by, doomed.reason) if ids else []
            if receipts:
                went = {"count": len(receipts), "reason": doomed.reason, "deleted_by": deleted_by}
                await visit.note(Action.DELETE_REQUESTS, "requests", went)
        if receipts:
            yield receipts
        if len(ids) < BATCH:
            return


async def delete_all(
    access: Access,
    key: str | None,
    doomed: Doomed,
    *,
    deleted_by: str,
    tell: Callable[[list[Deletion]], object] = len,
) -> int:
    """The same to the end; `tell` is called with the receipts of each batch. Returns how many requests went."""
    count = 0
    async for receipts in delete_doomed(access, key, doomed, deleted_by=deleted_by):
        count += len(receipts)
        tell(receipts)
    return count


async def list_deletions(
    access: Access, key: str | None, *, request_id: str | None, limit: int, offset: int
) -> list[Deletion]:
    """A page of the receipts, newest first; of one request, if its id is given. Admins only."""
    digest = None if request_id is None else hash_request_id(request_id)
    async with access.visit(key, Scope.ADMIN) as visit:
        return await store.list_deletions(visit.conn, request_sha256=digest, limit=limit, offset=offset)


def hash_request_id(request_id: str) -> bytes:
    """What a receipt has in place of the id."""
    return sha256(request_id.encode("utf-8", "surrogatepass")).digest()


async def _delete(visit: Visit, ids: list[int], deleted_by: str, reason: str) -> list[Deletion]:
    receipts = await store.delete_requests(visit.conn, ids=ids, deleted_by=deleted_by, reason=reason)
    await store.delete_unused_mods(visit.conn)
    await notify_streams(visit.conn)  # a user's own key dies with their last request
    return receipts


async def _find_owner(visit: Visit, doomed: Doomed) -> bytes | None:
    if doomed.user_key is None and doomed.before is None:
        raise InvalidInputError("say whose requests, or how old ones: all of them are `manage.py clear`'s to delete")
    if doomed.user_key is None:
        return None
    owner = await visit.resolve_owner(doomed.user_key)
    if owner is None:
        raise InvalidInputError(f"nobody has the label {doomed.user_key!r}")
    return owner
