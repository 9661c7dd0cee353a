"""Tags and favorites of a request.

One statement changes each set, so concurrent edits do not overwrite each other.
"""

from typing import Annotated

from psycopg import AsyncCursor
from pydantic import StringConstraints

from core.access.access import Access
from core.access.caller import Scope
from core.access.hasher import strip_labels
from core.access.session import Session, StorableText
from core.curation import store
from core.curation.store import CurationRow, EditedRow
from core.database.pool import retry_read
from core.errors import ThunderError
from core.traces.own_request import hidden_error
from core.wire.json_text import to_column_text, to_storable_id
from core.wire.models import Body

MAX_TAGS = 100
MAX_FAVORITES = 1000
MAX_CHARACTERS = 32_000
"""Maximum length of all names together, because a page of the feed shows those of 100 requests. Tags can't reach it."""
_TAG_MESSAGES = {
    (True, True): "tag added",
    (True, False): "tag already present",
    (False, True): "tag removed",
    (False, False): "tag not present",
}
"""Messages by whether a tag was to be added, and whether anything changed."""
_FAVORITE_MESSAGES = {
    (True, True): "added to favorites",
    (True, False): "already in favorites",
    (False, True): "removed from favorites",
    (False, False): "not in favorites",
}

Tag = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class FullError(ThunderError):
    """The request has reached a limit."""

    status = 409


class TagChange(Body):
    """The tag to add or remove."""

    tag: Tag


class FavoriteChange(Body):
    """The name to add to or remove from the favorites."""

    name: Name


@retry_read
async def read_curation(access: Access, key: str | None, *, request_id: str) -> CurationRow:
    """Read a request's tags and favorites. Readers of a public request see only the tags.

    Raises:
        UnauthorizedError: the request is not public, and there is no live key.
        NotFoundError: no such request, or the caller may not see it.
    """
    async with access.session(key, Scope.READ, public=True) as session:
        owner = session.caller.owner_filter
        row = await store.GET_CURATION.fetch_one(session.conn, request_id=to_storable_id(request_id), owner=owner)
    if row is None:
        raise hidden_error(session.caller, request_id)
    shown: dict[str, list[str]] = {"favorited_by": [], "tags": [strip_labels(tag) for tag in row.tags]}
    return row if session.caller.may_see(row.user_key_hmac) else row.model_copy(update=shown)


async def edit_tags(
    access: Access, key: str | None, *, request_id: str, tag: str, is_added: bool
) -> tuple[EditedRow, str]:
    """Add a tag to a request or remove it. Doing so twice is not an error.

    Raises:
        NotFoundError: no such request, or it belongs to another user.
        FullError: the request already has MAX_TAGS tags.
    """
    async with access.session(key, Scope.CURATE) as session:
        text = session.mask_text(to_column_text(tag))
        edit = await _send_edit(session, request_id, text, is_tag=True, is_added=is_added)
    row = await _read_edit(session, edit, request_id)
    if is_added and not (row.is_changed or row.was_there):
        raise FullError(f"tag: this request already has {MAX_TAGS} tags, the maximum; remove one first")
    return row, _TAG_MESSAGES[is_added, row.is_changed]


async def edit_favorites(
    access: Access, key: str | None, *, request_id: str, name: str, is_added: bool
) -> tuple[EditedRow, str]:
    """Add a request to a user's favorites or remove it. Doing so twice is not an error.

    Raises:
        NotFoundError: no such request, or it belongs to another user.
        FullError: the request is already a favorite of MAX_FAVORITES users, or their names are too long together.
    """
    async with access.session(key, Scope.CURATE) as session:
        text = session.mask_name(to_column_text(name))
        edit = await _send_edit(session, request_id, text, is_tag=False, is_added=is_added)
    row = await _read_edit(session, edit, request_id)
    if is_added and not (row.is_changed or row.was_there):
        raise FullError(
            f"name: this request is already a favorite of {len(row.favorited_by)} users; at most {MAX_FAVORITES} names"
            f" of together {MAX_CHARACTERS} characters are allowed; remove one"
        )
    return row, _FAVORITE_MESSAGES[is_added, row.is_changed]


async def _send_edit(
    session: Session, request_id: str, text: StorableText, *, is_tag: bool, is_added: bool
) -> AsyncCursor[EditedRow]:
    """Send the edit without waiting for its result, which arrives with the result of the commit."""
    return await store.EDIT_CURATION.execute(
        session.conn,
        request_id=to_storable_id(request_id),
        owner=session.caller.owner_filter,
        text=text,
        is_tag=is_tag,
        is_added=is_added,
        most=MAX_TAGS if is_tag else MAX_FAVORITES,
        most_characters=MAX_CHARACTERS,
    )


async def _read_edit(session: Session, edit: AsyncCursor[EditedRow], request_id: str) -> EditedRow:
    row = await edit.fetchone()
    if row is None:
        raise hidden_error(session.caller, request_id)
    return row
