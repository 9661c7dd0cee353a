"""Narrow the filters of a statistic to the requests of the caller."""

from core.access.session import Session
from core.traces.filters import Filters


async def narrow(session: Session, filters: Filters) -> Filters:
    """Return the filters for the caller's requests. A key in `favorited_by` becomes the name that favorites have."""
    name = filters.favorited_by and await session.resolve_name(filters.favorited_by)
    return filters._replace(owner=session.caller.owner_filter, favorited_by=name)
