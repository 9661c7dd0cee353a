"""Comments on a request. Its owner and admins read and change them. Readers of a public request see none."""

from typing import Annotated

from pydantic import StringConstraints

from core.access.access import Access
from core.access.caller import Caller, Scope
from core.audit.store import Action, name_request
from core.curation.curation import FullError, Name
from core.database.pool import retry_read
from core.discussions import store
from core.discussions.store import DiscussionRow, RequestCommentRow
from core.errors import NotFoundError
from core.traces.own_request import hidden_error, lock_own_request, require_row
from core.wire.json_text import to_column_text, to_storable_id
from core.wire.models import Body

MAX_DISCUSSIONS = 10_000

Comment = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=10_000)]


class NewDiscussion(Body):
    """A new comment."""

    username: Name
    comment: Comment


class DiscussionChange(Body):
    """The new text of a comment."""

    comment: Comment


class Discussion(DiscussionRow):
    """One comment."""

    request_id: str


@retry_read
async def list_discussions(
    access: Access, key: str | None, *, request_id: str, limit: int, offset: int
) -> tuple[list[Discussion], int]:
    """List a page of a request's comments, oldest first, with the total. Readers of a public request get none.

    Raises:
        UnauthorizedError: the request is not public, and there is no live key.
        NotFoundError: no such request, or the caller may not see it.
    """
    caller, rows = await _fetch(access, key, request_id, None, limit=limit, offset=offset)
    if not caller.may_see(rows[0].user_key_hmac):
        return [], 0
    return [_show(row.discussion, request_id) for row in rows if row.discussion], rows[0].total


@retry_read
async def read_discussion(access: Access, key: str | None, *, request_id: str, number: int) -> Discussion:
    """Read one comment.

    Raises:
        UnauthorizedError: the request is not public, and there is no live key.
        NotFoundError: no such comment, or the caller may not see it.
    """
    caller, rows = await _fetch(access, key, request_id, number, limit=1, offset=0)
    return _show(rows[0].discussion if caller.may_see(rows[0].user_key_hmac) else None, request_id, number)


async def _fetch(  # noqa: PLR0913 - the parameters of the statement
    access: Access, key: str | None, request_id: str, number: int | None, *, limit: int, offset: int
) -> tuple[Caller, list[RequestCommentRow]]:
    """Return the caller, and a page of comments, or one of them; for a request without any, a row of nulls."""
    async with access.session(key, Scope.READ, public=True) as session:
        rows = await store.LIST_DISCUSSIONS.fetch_all(
            session.conn,
            request_id=to_storable_id(request_id),
            owner=session.caller.owner_filter,
            id=number,
            limit=limit,
            offset=offset,
        )
    if not rows:
        raise hidden_error(session.caller, request_id)
    return session.caller, rows


async def add_discussion(access: Access, key: str | None, *, request_id: str, new: NewDiscussion) -> Discussion:
    """Add a comment to a request.

    Raises:
        NotFoundError: no such request, or it belongs to another user.
        FullError: the request already has MAX_DISCUSSIONS comments.
    """
    async with access.session(key, Scope.CURATE) as session:
        added = await store.INSERT_DISCUSSION.execute(  # sent together with the commit
            session.conn,
            request_id=to_storable_id(request_id),
            owner=session.caller.owner_filter,
            most=MAX_DISCUSSIONS,
            username=session.mask_name(to_column_text(new.username)),
            comment=session.mask_text(to_column_text(new.comment)),
        )
    row = require_row(session, request_id, await added.fetchone())
    if row.discussion is None:
        raise FullError(f"request_id: already has {MAX_DISCUSSIONS} comments, the maximum; delete one first")
    return _show(row.discussion, request_id)


async def edit_discussion(
    access: Access, key: str | None, *, request_id: str, number: int, change: DiscussionChange
) -> Discussion:
    """Change the text of a comment.

    Raises:
        NotFoundError: no such comment, or the caller may not edit it.
    """
    async with access.session(key, Scope.CURATE) as session:
        row_id = await lock_own_request(session, request_id)
        comment = await session.resolve_text(to_column_text(change.comment)) or ""
        row = await store.UPDATE_DISCUSSION.fetch_one(session.conn, request_pk=row_id, id=number, comment=comment)
    return _show(row, request_id, number)


async def delete_discussion(access: Access, key: str | None, *, request_id: str, number: int) -> None:
    """Delete a comment.

    Raises:
        NotFoundError: no such comment, or the caller may not delete it.
    """
    async with access.session(key, Scope.CURATE) as session:
        row_id = await lock_own_request(session, request_id)
        if await store.DELETE_DISCUSSION.fetch_one(session.conn, request_pk=row_id, id=number) is None:
            raise _missing_error(request_id, number)
        await session.note(Action.DELETE_COMMENT, name_request(request_id), {"comment": number})


def _show(row: DiscussionRow | None, request_id: str, number: int = 0) -> Discussion:
    if row is None:
        raise _missing_error(request_id, number)
    return Discussion(request_id=request_id, **row.model_dump())


def _missing_error(request_id: str, number: int) -> NotFoundError:
    return NotFoundError(f"discussion_id: request {request_id!r} has no comment {number}; list its comments")
