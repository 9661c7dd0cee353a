"""The SQL of curation. Each function runs one statement."""

from dataclasses import dataclass
from typing import LiteralString

from psycopg import AsyncConnection
from psycopg.rows import class_row
from pydantic import BaseModel, ConfigDict

from core.access.session import StorableText
from core.database.sql import load_query

_GET_CURATION = load_query("curation/get_curation")
_EDIT_TAGS = load_query("curation/edit_tags")
_EDIT_FAVORITES = load_query("curation/edit_favorites")


class CurationRow(BaseModel):
    """The tags and favorites of a request, with its owner and visibility."""

    model_config = ConfigDict(frozen=True)

    tags: list[str]
    favorited_by: list[str]
    user_key_hmac: bytes | None
    is_public: bool


@dataclass(frozen=True, slots=True)
class Edit:
    """One text to add to or remove from a request's tags or favorites.

    Attributes:
        request_id: the request.
        owner: the required owner of the request, or None for any.
        said: the tag or name.
        is_added: whether the text is added. Otherwise it is removed.
        most: the number of texts from which no more is added.
    """

    request_id: str
    owner: bytes | None
    said: StorableText
    is_added: bool
    most: int


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


async def edit_tags(conn: AsyncConnection, edit: Edit) -> EditedRow | None:
    """Add or remove a tag, unless that changes nothing. Returns None if the owner has no such request."""
    return await _edit(conn, _EDIT_TAGS, edit)


async def edit_favorites(conn: AsyncConnection, edit: Edit) -> EditedRow | None:
    """Add a name to the favorites or remove it, as `edit_tags` does with a tag."""
    return await _edit(conn, _EDIT_FAVORITES, edit)


async def _edit(conn: AsyncConnection, statement: LiteralString, edit: Edit) -> EditedRow | None:
    cursor = conn.cursor(row_factory=class_row(EditedRow))
    values = {
        "request_id": edit.request_id,
        "owner": edit.owner,
        "is_added": edit.is_added,
        "most": edit.most,
        **edit.said.bind(),
    }
    return await (await cursor.execute(statement, values)).fetchone()
