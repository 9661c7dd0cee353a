"""Tags and favorites of a request: two small sets, each changed by one statement, so that no edit undoes another."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

from core.access.caller import Scope
from core.access.hasher import strip_labels
from core.access.session import Access, Visit
from core.curation import store
from core.curation.store import CurationRow
from core.database.pool import reread
from core.errors import ThunderError
from core.traces.json_text import to_column_text
from core.traces.read import hidden, is_no_id, lock_own_request

MAX_TAGS = 100
MAX_FAVORITES = 1000

Tag = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class FullError(ThunderError):
    """The request has as many as it may have."""

    status = 409


class TagChange(BaseModel):
    """The tag to add or remove."""

    model_config = ConfigDict(strict=True, frozen=True)

    tag: Tag


class FavoriteChange(BaseModel):
    """Who favorites the request, or no longer does."""

    model_config = ConfigDict(strict=True, frozen=True)

    name: Name


@reread
async def read_curation(access: Access, key: str | None, *, request_id: str) -> CurationRow:
    """A request's tags and favorites: the caller's own, or of one that is public its tags alone.

    Raises:
        UnauthorizedError: it is not public, and no live key came.
        NotFoundError: there is none, or it is not the caller's to see.
    """
    async with access.visit(key, Scope.READ, public=True) as visit:
        row = None if is_no_id(request_id) else await store.get_curation(visit.conn, request_id=request_id)
    owned = row is not None and visit.caller.may_see(row.user_key_hmac)
    if row is None or not (owned or row.is_public):
        raise hidden(visit.caller, request_id)
    shown: dict[str, list[str]] = {"favorited_by": [], "tags": [strip_labels(tag) for tag in row.tags]}
    return row if owned else row.model_copy(update=shown)


async def add_tag(access: Access, key: str | None, *, request_id: str, tag: str) -> tuple[CurationRow, str]:
    """Tag a request; again is no error.

    Raises:
        NotFoundError: there is none, or it is not the caller's.
        FullError: it has MAX_TAGS.
    """
    async with access.visit(key, Scope.CURATE) as visit:
        value = await _admit_tag(visit, request_id, tag)
        added = await store.add_tag(visit.conn, request_id=request_id, value=value, most=MAX_TAGS)
        row = await _reread(visit, request_id)
        if not added and value not in row.tags:
            raise FullError(f"this request has {MAX_TAGS} tags: remove one first")
    return row, "tag added" if added else "already tagged so"


async def remove_tag(access: Access, key: str | None, *, request_id: str, tag: str) -> tuple[CurationRow, str]:
    """Take a tag off a request; again is no error.

    Raises:
        NotFoundError: there is no such request, or it is not the caller's.
    """
    async with access.visit(key, Scope.CURATE) as visit:
        value = await _admit_tag(visit, request_id, tag)
        removed = await store.remove_tag(visit.conn, request_id=request_id, value=value)
        row = await _reread(visit, request_id)
    return row, "tag removed" if removed else "was not tagged so"


async def add_favorite(access: Access, key: str | None, *, request_id: str, name: str) -> tuple[CurationRow, str]:
    """Put a request among somebody's favorites; again is no error.

    Raises:
        NotFoundError: there is none, or it is not the caller's.
        FullError: MAX_FAVORITES have it among theirs.
    """
    async with access.visit(key, Scope.CURATE) as visit:
        value = await _admit_name(visit, request_id, name)
        added = await store.add_favorite(visit.conn, request_id=request_id, value=value, most=MAX_FAVORITES)
        row = await _reread(visit, request_id)
        if not added and value not in row.favorited_by:
            raise FullError(f"{MAX_FAVORITES} people have this request among their favorites: no more fit")
    return row, "added to the favorites" if added else "already among the favorites"


async def remove_favorite(access: Access, key: str | None, *, request_id: str, name: str) -> tuple[CurationRow, str]:
    """Take a request out of somebody's favorites; again is no error.

    Raises:
        NotFoundError: there is none, or it is not the caller's.
    """
    async with access.visit(key, Scope.CURATE) as visit:
        value = await _admit_name(visit, request_id, name)
        removed = await store.remove_favorite(visit.conn, request_id=request_id, value=value)
        row = await _reread(visit, request_id)
    return row, "removed from the favorites" if removed else "was not among the favorites"


async def _admit_tag(visit: Visit, request_id: str, tag: str) -> str:
    """The tag as it is stored, for a request that is the caller's."""
    await lock_own_request(visit, request_id)
    return await visit.hide_words(to_column_text(tag)) or ""


async def _admit_name(visit: Visit, request_id: str, name: str) -> str:
    """The name as it is stored, for a request that is the caller's."""
    await lock_own_request(visit, request_id)
    return await visit.hide_key(to_column_text(name)) or ""


async def _reread(visit: Visit, request_id: str) -> CurationRow:
    row = await store.get_curation(visit.conn, request_id=request_id)
    if row is None:  # deleted since it was admitted
        raise hidden(visit.caller, request_id)
    return row
