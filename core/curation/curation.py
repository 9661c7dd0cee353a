"""Tags and favorites of a request.

One statement changes each set, so concurrent edits do not overwrite each other.
"""

from typing import Annotated

from pydantic import StringConstraints

from core.access.access import Access
from core.access.caller import Scope
from core.access.hasher import strip_labels
from core.curation import store
from core.curation.store import CurationRow, EditedRow
from core.database.pool import retry_read
from core.errors import ThunderError
from core.traces.own_request import require_row
from core.wire.json_text import to_column_text, to_storable_id
from core.wire.models import Body

MAX_TAGS = 100
MAX_FAVORITES = 1000
MAX_CHARACTERS = 32_000
"""Maximum total length of the names, in characters. A page of the feed shows the names of 100 requests."""
_MESSAGES = {
    (True, True): ("tag added", "tag already present"),
    (True, False): ("tag removed", "tag not present"),
    (False, True): ("added to favorites", "already in favorites"),
    (False, False): ("removed from favorites", "not in favorites"),
}
"""Messages for (is a tag, is added): the first if the edit changed the request, the second if it did not."""

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
        found = await store.GET_CURATION.fetch_one(session.conn, request_id=to_storable_id(request_id), owner=owner)
    row = require_row(session, request_id, found)
    shown: dict[str, list[str]] = {"favorited_by": [], "tags": [strip_labels(tag) for tag in row.tags]}
    return row if session.caller.may_see(row.user_key_hmac) else row.model_copy(update=shown)


async def edit_curation(
    access: Access, key: str | None, *, request_id: str, change: TagChange | FavoriteChange, is_added: bool
) -> tuple[EditedRow, str]:
    """Add a tag or a favorite to a request, or remove it. Doing so twice is not an error.

    Raises:
        NotFoundError: no such request, or it belongs to another user.
        FullError: the request has reached a limit of tags, of favorites, or of the length of their names.
    """
    is_tag = isinstance(change, TagChange)
    async with access.session(key, Scope.CURATE) as session:
        text = to_column_text(change.tag if isinstance(change, TagChange) else change.name)
        edit = await store.EDIT_CURATION.execute(  # sent together with the commit
            session.conn,
            request_id=to_storable_id(request_id),
            owner=session.caller.owner_filter,
            text=session.mask_text(text) if is_tag else session.mask_name(text),
            is_tag=is_tag,
            is_added=is_added,
            most=MAX_TAGS if is_tag else MAX_FAVORITES,
            most_characters=MAX_CHARACTERS,
        )
    row = require_row(session, request_id, await edit.fetchone())
    if is_added and not (row.is_changed or row.was_there):
        raise _full_error(row, is_tag=is_tag)
    changed, unchanged = _MESSAGES[is_tag, is_added]
    return row, changed if row.is_changed else unchanged


def _full_error(row: EditedRow, *, is_tag: bool) -> FullError:
    if is_tag:
        return FullError(f"tag: this request already has {MAX_TAGS} tags, the maximum; remove one first")
    return FullError(
        f"name: this request has {len(row.favorited_by)} favorites; at most {MAX_FAVORITES} names with a total of "
        f"{MAX_CHARACTERS} characters are allowed, so remove one first"
    )
