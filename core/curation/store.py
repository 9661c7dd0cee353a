"""The SQL of curation. Each function runs one statement."""

from typing import LiteralString

from psycopg import AsyncConnection
from psycopg.rows import class_row
from pydantic import BaseModel, ConfigDict

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


async def get_curation(conn: AsyncConnection, *, request_id: str) -> CurationRow | None:
    """A request's tags and favorites; null if there is no such request."""
    cursor = conn.cursor(row_factory=class_row(CurationRow))
    await cursor.execute(_GET_CURATION, {"request_id": request_id})
    return await cursor.fetchone()


async def add_tag(conn: AsyncConnection, *, request_id: str, value: str, most: int) -> bool:
    """Add a tag; false if it was there, or there are `most` already."""
    return await _change(conn, _ADD_TAG, {"request_id": request_id, "value": value, "most": most})


async def remove_tag(conn: AsyncConnection, *, request_id: str, value: str) -> bool:
    """Remove a tag; false if it was not there."""
    return await _change(conn, _REMOVE_TAG, {"request_id": request_id, "value": value})


async def add_favorite(conn: AsyncConnection, *, request_id: str, value: str, most: int) -> bool:
    """Add a name to those that favorite a request; false if it was there, or there are `most` already."""
    return await _change(conn, _ADD_FAVORITE, {"request_id": request_id, "value": value, "most": most})


async def remove_favorite(conn: AsyncConnection, *, request_id: str, value: str) -> bool:
    """Remove a name; false if it was not there."""
    return await _change(conn, _REMOVE_FAVORITE, {"request_id": request_id, "value": value})


async def _change(conn: AsyncConnection, statement: LiteralString, parameters: dict[str, object]) -> bool:
    # Not rowcount: in a pipeline it is not known before a row is fetched.
    return await (await conn.execute(statement, parameters)).fetchone() is not None
