"""Tags and favorites of a request: two small sets, each changed by one statement, so that no edit undoes another."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

from core.access.caller import Scope
from core.access.hasher import strip_labels
from core.access.session import Access, Visit
from core.curation import store
from core.curation.store import CurationRow, EditedRow, Place
from core.database.pool import reread
from core.errors import ThunderError
from core.traces.own_request import hidden, is_no_id
from core.wire.json_text import to_column_text

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


async def add_tag(access: Access, key: str | None, *, request_id: str, tag: str) -> tuple[EditedRow, str]:
    """Tag a request; again is no error.

    Raises:
        NotFoundError: there is none, or it is not the caller's.
        FullError: it has MAX_TAGS.
    """
    async with access.visit(key, Scope.CURATE) as visit:
        place = _find_place(visit, request_id)
        said = visit.say_words(to_column_text(tag))
        row = _admit(visit, await store.add_tag(visit.conn, place=place, said=said, most=MAX_TAGS), request_id)
        if not (row.is_changed or row.was_there):
            raise FullError(f"this request has {MAX_TAGS} tags: remove one first")
    return row, "tag added" if row.is_changed else "already tagged so"


async def remove_tag(access: Access, key: str | None, *, request_id: str, tag: str) -> tuple[EditedRow, str]:
    """Take a tag off a request; again is no error.

    Raises:
        NotFoundError: there is no such request, or it is not the caller's.
    """
    async with access.visit(key, Scope.CURATE) as visit:
        place = _find_place(visit, request_id)
        said = visit.say_words(to_column_text(tag))
        row = _admit(visit, await store.remove_tag(visit.conn, place=place, said=said), request_id)
    return row, "tag removed" if row.is_changed else "was not tagged so"


async def add_favorite(access: Access, key: str | None, *, request_id: str, name: str) -> tuple[EditedRow, str]:
    """Put a request among somebody's favorites; again is no error.

    Raises:
        NotFoundError: there is none, or it is not the caller's.
        FullError: MAX_FAVORITES have it among theirs.
    """
    async with access.visit(key, Scope.CURATE) as visit:
        place = _find_place(visit, request_id)
        said = visit.say_name(to_column_text(name))
        row = _admit(
            visit, await store.add_favorite(visit.conn, place=place, said=said, most=MAX_FAVORITES), request_id
        )
        if not (row.is_changed or row.was_there):
            raise FullError(f"{MAX_FAVORITES} people have this request among their favorites: no more fit")
    return row, "added to the favorites" if row.is_changed else "already among the favorites"


async def remove_favorite(access: Access, key: str | None, *, request_id: str, name: str) -> tuple[EditedRow, str]:
    """Take a request out of somebody's favorites; again is no error.

    Raises:
        NotFoundError: there is none, or it is not the caller's.
    """
    async with access.visit(key, Scope.CURATE) as visit:
        place = _find_place(visit, request_id)
        said = visit.say_name(to_column_text(name))
        row = _admit(visit, await store.remove_favorite(visit.conn, place=place, said=said), request_id)
    return row, "removed from the favorites" if row.is_changed else "was not among the favorites"


def _find_place(visit: Visit, request_id: str) -> Place:
    if is_no_id(request_id):
        raise hidden(visit.caller, request_id)
    return Place(request_id, visit.caller.owner_filter)


def _admit(visit: Visit, row: EditedRow | None, request_id: str) -> EditedRow:
    if row is None:
        raise hidden(visit.caller, request_id)
    return row
