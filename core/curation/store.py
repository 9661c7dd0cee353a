"""The SQL of curation. Each function runs one statement."""

from dataclasses import asdict, dataclass
from typing import LiteralString

from psycopg import AsyncConnection
from psycopg.rows import class_row
from pydantic import BaseModel, ConfigDict

from core.access.session import Said
from core.database.sql import load_query

_GET_CURATION = load_query("curation/get_curation")
_ADD_TAG = load_query("curation/add_tag")
_REMOVE_TAG = load_query("curation/remove_tag")
_ADD_FAVORITE = load_query("curation/add_favorite")
_REMOVE_FAVORITE = load_query("curation/remove_favorite")


class CurationRow(BaseModel):
    """What people added to a request, and who may see it."""

    model_config = ConfigDict(frozen=True)

    tags: list[str]
    favorited_by: list[str]
    user_key_hmac: bytes | None
    is_public: bool


@dataclass(frozen=True, slots=True)
class Place:
    """Which request is edited, and for whom: None edits anybody's."""

    request_id: str
    owner: bytes | None


class EditedRow(BaseModel):
    """What people added to a request, after an edit.

    Attributes:
        is_changed: whether the edit changed anything.
        was_there: whether the tag or name was there before.
    """

    model_config = ConfigDict(frozen=True)

    tags: list[str]
    favorited_by: list[str]
    is_changed: bool
    was_there: bool


async def get_curation(conn: AsyncConnection, *, request_id: str) -> CurationRow | None:
    """A request's tags and favorites; null if there is no such request."""
    cursor = conn.cursor(row_factory=class_row(CurationRow))
    await cursor.execute(_GET_CURATION, {"request_id": request_id})
    return await cursor.fetchone()


async def add_tag(conn: AsyncConnection, *, place: Place, said: Said, most: int) -> EditedRow | None:
    """Add a tag, unless it is there or there are `most` already; None if the owner has no such request."""
    return await _edit(conn, _ADD_TAG, {**asdict(place), "most": most, **said.bind()})


async def remove_tag(conn: AsyncConnection, *, place: Place, said: Said) -> EditedRow | None:
    """Remove a tag if it is there; None if the owner has no such request."""
    return await _edit(conn, _REMOVE_TAG, {**asdict(place), **said.bind()})


async def add_favorite(conn: AsyncConnection, *, place: Place, said: Said, most: int) -> EditedRow | None:
    """Add a name to those that favorite a request, as `add_tag` adds a tag."""
    return await _edit(conn, _ADD_FAVORITE, {**asdict(place), "most": most, **said.bind()})


async def remove_favorite(conn: AsyncConnection, *, place: Place, said: Said) -> EditedRow | None:
    """Remove a name, as `remove_tag` removes a tag."""
    return await _edit(conn, _REMOVE_FAVORITE, {**asdict(place), **said.bind()})


async def _edit(conn: AsyncConnection, statement: LiteralString, parameters: dict[str, object]) -> EditedRow | None:
    cursor = conn.cursor(row_factory=class_row(EditedRow))
    return await (await cursor.execute(statement, parameters)).fetchone()
