"""The statements of the feed, and the types of their rows."""

from datetime import datetime
from typing import Annotated, NamedTuple

from pydantic import Field

from core.database.query import Row, query
from core.wire.timestamp import UtcMoment


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
    source: str
    group_id: str | None
    p_correct: float | None
    calibrator: dict[str, int] | None
    prompt: str | None
    latency_ms: float | None
    tokens: int | None
    outcome: str | None
    ending: str | None
    has_exception: bool


class ListedRow(NamedTuple):
    """One request of the feed as a tuple, which is faster to read, with the columns of the page's version.

    The texts and the group confidence are None if only the version was requested.

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
    source: str
    group_id: str | None
    p_correct: float | None
    calibrator: dict[str, int] | None
    prompt: str | None
    latency_ms: float | None
    tokens: int | None
    outcome: str | None
    ending: str | None
    has_exception: bool
    ingested_at: datetime
    revision: int
    curation: int


class UserRow(Row):
    """One user, the number of the user's requests, and the total number of users."""

    api_key: str
    request_count: int
    latest_request_at: UtcMoment
    total: Annotated[int, Field(exclude=True)]


class FacetRow(Row):
    """A value of a facet and its number of requests. The last row has no facet and value, and counts all requests."""

    facet: str | None
    value: str | None
    request_count: int


LIST_REQUESTS = query("feed/list_requests", ListedRow, is_binary=True)
SEARCH_REQUESTS = query("feed/search_requests", ListedRow, is_binary=True)
COUNT_MATCHES = query("feed/count_matches", int)
LIST_FACETS = query("feed/list_facets", FacetRow)
LIST_USERS = query("feed/list_users", UserRow)
