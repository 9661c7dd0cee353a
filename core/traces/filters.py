"""The filters of requests: those of the feed, the streams, the statistics and the exports."""

import re
from datetime import datetime
from typing import NamedTuple

_MINUSES = re.compile(r"-(?:\s*-)+")
_ID = re.compile(r"id:", re.IGNORECASE)


class Filters(NamedTuple):
    """Filters of requests. A filter that is None matches every request.

    A tuple, because psycopg passes it as the SQL type feed_filters, which has the same fields.

    Attributes:
        model: the request's model.
        mod: a mod that the request named or called.
        tag: one of the request's tags.
        favorited_by: a person who marked the request as a favorite.
        created_from: inclusive.
        created_to: exclusive.
        min_confidence: minimum sequence_confidence, inclusive; a request without one does not match.
        max_confidence: maximum sequence_confidence, inclusive; a request without one does not match.
        has_exception: whether a mod raised an exception, or the call failed.
        source: the origin of the request.
        group_id: the group that the request belongs to.
        q: words of the prompt and the final text, in web search syntax.
        owner: the HMAC of the owner's user API key.
    """

    model: str | None = None
    mod: str | None = None
    tag: str | None = None
    favorited_by: str | None = None
    created_from: datetime | None = None
    created_to: datetime | None = None
    min_confidence: float | None = None
    max_confidence: float | None = None
    has_exception: bool | None = None
    source: str | None = None
    group_id: str | None = None
    q: str | None = None
    owner: bytes | None = None


NO_FILTERS = Filters()


def clean_query(text: str | None) -> str | None:
    """Prepare a search query. Return None for a blank one, and "", which matches nothing, for one of symbols only.

    Consecutive minus signs become one. Postgres nests a level deeper for each and fails after 32. After `id:`, which
    starts a search for an id, nothing changes.
    """
    if text is None or not text.strip():
        return None
    text = text.strip()
    if found := _ID.match(text):
        return text if text[found.end() :].strip() else ""
    return _MINUSES.sub("-", text) if any(map(str.isalnum, text)) else ""
