"""The SQL of discussions. Each function runs one statement; the caller owns the transaction."""

from datetime import datetime

from psycopg import AsyncConnection
from psycopg.rows import class_row
from pydantic import BaseModel, ConfigDict

from core.access.session import StorableText
from core.database.sql import load_query
from core.wire.timestamp import UtcMoment

_LIST_DISCUSSIONS = load_query("discussions/list_discussions")
_GET_DISCUSSION = load_query("discussions/get_discussion")
_INSERT_DISCUSSION = load_query("discussions/insert_discussion")
_UPDATE_DISCUSSION = load_query("discussions/update_discussion")
_DELETE_DISCUSSION = load_query("discussions/delete_discussion")


class Row(BaseModel):
    """A result row."""

    model_config = ConfigDict(frozen=True)


class DiscussionRow(Row):
    """A comment, without its request's id."""

    id: int
    username: str
    comment: str
    created_at: UtcMoment
    updated_at: UtcMoment


class CommentRow(Row):
    """A comment of a request. All fields are None if there is no comment."""

    id: int | None
    username: str | None
    comment: str | None
    created_at: datetime | None
    updated_at: datetime | None

    @property
    def discussion(self) -> DiscussionRow | None:
        """The comment, or None."""
        return None if self.id is None else DiscussionRow.model_validate(self.model_dump())


class RequestCommentRow(CommentRow):
    """A comment with its request's owner and visibility. The comment's fields are None if there is no comment."""

    user_key_hmac: bytes | None
    is_public: bool
    total: int


async def list_discussions(
    conn: AsyncConnection, *, request_id: str, limit: int, offset: int
) -> list[RequestCommentRow]:
    """List a page of a request's comments, oldest first. Returns no row if there is no such request."""
    cursor = conn.cursor(row_factory=class_row(RequestCommentRow))
    await cursor.execute(_LIST_DISCUSSIONS, {"request_id": request_id, "limit": limit, "offset": offset})
    return await cursor.fetchall()


async def get_discussion(conn: AsyncConnection, *, request_id: str, number: int) -> RequestCommentRow | None:
    """Get one comment of a request. Returns None if there is no such request."""
    cursor = conn.cursor(row_factory=class_row(RequestCommentRow))
    await cursor.execute(_GET_DISCUSSION, {"request_id": request_id, "id": number})
    return await cursor.fetchone()


async def insert_discussion(  # noqa: PLR0913 - the columns of a comment
    conn: AsyncConnection,
    *,
    request_id: str,
    owner: bytes | None,
    username: StorableText,
    comment: StorableText,
    most: int,
) -> CommentRow | None:
    """Add a comment unless the request already has `most`. Returns None if the owner has no such request."""
    cursor = conn.cursor(row_factory=class_row(CommentRow))
    values = {"request_id": request_id, "owner": owner, "most": most}
    await cursor.execute(_INSERT_DISCUSSION, {**values, **username.bind("username_"), **comment.bind("comment_")})
    return await cursor.fetchone()


async def update_discussion(
    conn: AsyncConnection, *, request_pk: int, number: int, comment: str
) -> DiscussionRow | None:
    """Change the text of a comment. Returns None if the request has no such comment."""
    cursor = conn.cursor(row_factory=class_row(DiscussionRow))
    await cursor.execute(_UPDATE_DISCUSSION, {"request_pk": request_pk, "id": number, "comment": comment})
    return await cursor.fetchone()


async def delete_discussion(conn: AsyncConnection, *, request_pk: int, number: int) -> bool:
    """Delete a comment. Returns False if the request has no such comment."""
    cursor = await conn.execute(_DELETE_DISCUSSION, {"request_pk": request_pk, "id": number})
    return await cursor.fetchone() is not None
