"""Find a request that the caller may see, or lock it. A missing request and another owner's give the same error."""

from typing import TypeVar
from urllib.parse import quote

from core.access.caller import Caller, UnauthorizedError
from core.access.session import Session
from core.errors import NotFoundError, ThunderError
from core.traces import store
from core.wire.json_text import to_storable_id

R = TypeVar("R")


async def require_own_request(session: Session, request_id: str) -> None:
    """Refuse a request that does not exist or that the caller does not own.

    Raises:
        NotFoundError: the request does not exist, or the caller does not own it.
    """
    found = await _find_owner(session, request_id)
    if found is None or not session.caller.may_see(found.user_key_hmac):
        raise await find_hidden_error(session, request_id)


async def lock_own_request(session: Session, request_id: str) -> int:
    """Lock a request of the caller until the transaction ends, and return its bigint id.

    Raises:
        NotFoundError: it does not exist, or the caller does not own it.
    """
    owner = session.caller.owner_filter
    found = await store.LOCK_REQUEST.fetch_one(session.conn, request_id=to_storable_id(request_id), owner=owner)
    if found is None:
        raise await find_hidden_error(session, request_id)
    return found


async def is_own_request(session: Session, request_id: str) -> bool:
    """Return whether a request that the caller may read is their own (True) or only public (False).

    Raises:
        UnauthorizedError: it is not public, and the caller sent no live key.
        NotFoundError: it does not exist, or the caller may not read it.
    """
    found = await _find_owner(session, request_id)
    if found is None:
        raise await find_hidden_error(session, request_id)
    return session.caller.may_see(found.user_key_hmac)


def require_row(session: Session, request_id: str, row: R | None) -> R:
    """Return the row of a request, if a statement found one.

    Raises:
        UnauthorizedError: there is no row, and the caller sent no live key.
        NotFoundError: the request does not exist, or the caller may not see it.
    """
    if row is None:
        raise hidden_error(session.caller, request_id)
    return row


async def _find_owner(session: Session, request_id: str) -> store.Ownership | None:
    owner = session.caller.owner_filter
    return await store.FIND_OWNER.fetch_one(session.conn, request_id=to_storable_id(request_id), owner=owner)


def hidden_error(caller: Caller, request_id: str) -> ThunderError:
    """Return the error for a request that the caller cannot see. Without a key, the message asks for one."""
    if not caller.scopes:
        return UnauthorizedError("key: missing; send one as X-API-Key")
    return NotFoundError(f"request_id: there is no request {request_id!r}; check the id")


async def find_hidden_error(session: Session, request_id: str) -> ThunderError:
    """Return the error for a request that the caller cannot see. For the id of a group, it names the filter."""
    owner, group_id = session.caller.owner_filter, to_storable_id(request_id)
    if session.caller.scopes:
        count = await store.COUNT_GROUP.fetch_only(session.conn, group_id=group_id, owner=owner)
        if count:
            return NotFoundError(
                f"request_id: {request_id!r} is a group of {count} requests; "
                f"list them with /logs?group_id={quote(request_id)}"
            )
    return hidden_error(session.caller, request_id)
