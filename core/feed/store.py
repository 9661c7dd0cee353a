"""Run the SQL of the feed. Each function runs one statement."""

from datetime import datetime
from typing import Annotated, Any, NamedTuple

from psycopg import AsyncConnection
from psycopg.rows import args_row, class_row
from pydantic import BaseModel, ConfigDict, Field

from core.database.sql import load_query
from core.wire.timestamp import UtcMoment

_LIST_REQUESTS = load_query("feed/list_requests")
_LIST_LEAST_CONFIDENT = load_query("feed/list_least_confident")
_LIST_USERS = load_query("feed/list_users")


class Row(BaseModel):
    """One row of a result."""

    model_config = ConfigDict(frozen=True)


class FeedRow(Row):
    """One request of the feed. The id is not shown."""

    id: Annotated[int, Field(exclude=True)]
    request_id: str
    created_ts: UtcMoment
    finished_ts: UtcMoment | None
    model_id: str | None
    user_api_key: str | None
    final_text: str | None
    total_steps: int
    favorited_by: list[str]
    discussion_count: int
    active_mod: str | None
    tags: list[str]
    sequence_confidence: float | None
    sequence_confidence_is_bound: bool | None
    lowest_group_confidence: float | None
    group_confidence: list[float] | None


class ListedRow(NamedTuple):
    """One request of the feed as a tuple, which is faster to read, with the columns of the page's version.

    The final text and the group confidence are None if only the version was requested.

    Attributes:
        group_confidence: JSON, which the database writes faster than Python.
    """

    id: int
    request_id: str
    created_ts: datetime
    finished_ts: datetime | None
    model_id: str | None
    user_api_key: str | None
    final_text: str | None
    total_steps: int
    favorited_by: list[str]
    discussion_count: int
    active_mod: str | None
    tags: list[str]
    sequence_confidence: float | None
    sequence_confidence_is_bound: bool | None
    lowest_group_confidence: float | None
    group_confidence: str | None
    ingested_at: datetime
    revision: int
    curation: int


class UserRow(Row):
    """One user, the number of the user's requests, and the total number of users."""

    api_key: str
    request_count: int
    latest_request_at: UtcMoment
    total: Annotated[int, Field(exclude=True)]


async def list_requests(conn: AsyncConnection, *, parameters: dict[str, Any]) -> list[ListedRow]:
    """List a page of requests, newest first: of one owner, or of everybody if the owner is None."""
    cursor = conn.cursor(row_factory=args_row(ListedRow), binary=True)
    await cursor.execute(_LIST_REQUESTS, parameters)
    return await cursor.fetchall()


async def list_least_confident(conn: AsyncConnection, *, parameters: dict[str, Any]) -> list[ListedRow]:
    """List a page of requests, least confident first. Requests without a confidence come last."""
    cursor = conn.cursor(row_factory=args_row(ListedRow), binary=True)
    await cursor.execute(_LIST_LEAST_CONFIDENT, parameters)
    return await cursor.fetchall()


async def list_users(conn: AsyncConnection, *, owner: bytes | None, limit: int) -> list[UserRow]:
    """List the users that have requests, latest request first: all users, or the owner alone."""
    cursor = conn.cursor(row_factory=class_row(UserRow))
    await cursor.execute(_LIST_USERS, {"owner": owner, "limit": limit})
    return await cursor.fetchall()
