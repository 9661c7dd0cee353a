"""The statements of discussions, and the types of their rows."""

from datetime import datetime

from core.database.query import Row, query
from core.wire.timestamp import UtcMoment


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
    """A comment with its request's owner. The comment's fields are None if there is no comment."""

    user_key_hmac: bytes | None
    total: int


LIST_DISCUSSIONS = query("discussions/list_discussions", RequestCommentRow)
INSERT_DISCUSSION = query("discussions/insert_discussion", CommentRow)
UPDATE_DISCUSSION = query("discussions/update_discussion", DiscussionRow)
DELETE_DISCUSSION = query("discussions/delete_discussion", int)
