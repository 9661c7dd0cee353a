"""The SQL of curation. Each function runs one statement."""

from dataclasses import asdict, dataclass
from typing import LiteralString

from psycopg import AsyncConnection
from psycopg.rows import class_row
from pydantic import BaseModel, ConfigDict

from core.access.session import StorableText
from core.database.sql import load_query

_GET_CURATION = load_query("curation/get_curation")
_ADD_TAG = load_query("curation/add_tag")
_REMOVE_TAG = load_query("curation/remove_tag")
_ADD_FAVORITE = load_query("curation/add_favorite")
_REMOVE_FAVORITE = load_query("curation/remove_favorite")


class CurationRow(BaseModel):
    """The tags and favorites of a request, with its owner and visibility."""

    model_config = ConfigDict(frozen=True)

    tags: list[str]
    favorited_by: list[str]
    user_key_hmac: bytes | None
    is_public: bool


@dataclass(frozen=True, slots=True)
class Target:
    """The request to edit. If `owner` is not None, it must be the request's owner."""

    request_id: str
    owner: bytes | None


class EditedRow(BaseModel):
    """The tags and favorites of a request after an edit.

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
    """Get a request's tags and favorites. Returns None if there is no such request."""
    cursor = conn.cursor(row_factory=class_row(CurationRow))
    await cursor.execute(_GET_CURATION, {"request_id": request_id})
    return await cursor.fetchone()


async def add_tag(conn: AsyncConnection, *, target: Target, said: StorableText, most: int) -> EditedRow | None:
    """Add a tag unless it is present or there are already `most`. Returns None if the owner has no such request."""
    return await _edit(conn, _ADD_TAG, {**asdict(target), "most": most, **said.bind()})


async def remove_tag(conn: AsyncConnection, *, target: Target, said: StorableText) -> EditedRow | None:
    """Remove a tag if it is present. Returns None if the owner has no such request."""
    return await _edit(conn, _REMOVE_TAG, {**asdict(target), **said.bind()})


async def add_favorite(conn: AsyncConnection, *, target: Target, said: StorableText, most: int) -> EditedRow | None:
    """Add a name to the favorites, as `add_tag` adds a tag."""
    return await _edit(conn, _ADD_FAVORITE, {**asdict(target), "most": most, **said.bind()})


async def remove_favorite(conn: AsyncConnection, *, target: Target, said: StorableText) -> EditedRow | None:
    """Remove a name from the favorites, as `remove_tag` removes a tag."""
    return await _edit(conn, _REMOVE_FAVORITE, {**asdict(target), **said.bind()})


async def _edit(conn: AsyncConnection, statement: LiteralString, parameters: dict[str, object]) -> EditedRow | None:
    cursor = conn.cursor(row_factory=class_row(EditedRow))
    return await (await cursor.execute(statement, parameters)).fetchone()
