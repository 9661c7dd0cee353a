"""List the values that the feed can be filtered by, with their numbers of requests."""

from pydantic import BaseModel

from core.access.access import Access
from core.access.caller import Scope
from core.collections.collection import require_own
from core.collections.store import GET_COLLECTION
from core.database.pool import retry_read
from core.feed import store
from core.feed.list import refuse_long_search
from core.feed.store import FacetRow
from core.traces.filters import Filters

MAX_COUNTED = 20_000
"""Maximum number of requests that are counted. Postgres takes about 3 µs for each."""
WRAPPER = "wrapped_client_mod_"
"""The engine's prefix of the name by which it calls a mod."""
MAX_VALUES = 200
"""Values per facet; the most frequent ones."""


class Facet(BaseModel):
    """A value, and the number of requests that have it."""

    value: str
    request_count: int


class Facets(BaseModel):
    """The values of each facet, most frequent first.

    Attributes:
        counted: the number of requests that were counted, the newest ones that pass the filters.
    """

    models: list[Facet]
    mods: list[Facet]
    tags: list[Facet]
    sources: list[Facet]
    counted: int


@retry_read
async def list_facets(
    access: Access, key: str | None, *, filters: Filters, user_key: str | None, collection: int | None
) -> Facets:
    """Count the values of the caller's requests that pass the filters; `user_key` narrows them to one user's.

    Raises:
        NotFoundError: the collection does not exist, or belongs to another user.
    """
    await access.settle_key(user_key, by=key)
    async with access.session(key, Scope.READ) as session:
        owner = session.caller.owner_filter
        if collection is not None:
            require_own(await GET_COLLECTION.fetch_one(session.conn, id=collection, owner=owner), collection)
        if user_key is not None:
            user = await session.resolve_owner(user_key)
            if user is None or not session.caller.may_see(user.hmac):
                return _group([])
            owner = user.hmac
        name = await session.resolve_name(filters.favorited_by)
        wanted = filters._replace(owner=owner, favorited_by=name)
        with refuse_long_search():
            rows = await store.LIST_FACETS.fetch_all(
                session.conn,
                filters=wanted,
                collection_id=collection,
                wrapper=WRAPPER,
                most=MAX_COUNTED,
                limit=MAX_VALUES,
            )
    return _group(rows)


def _group(rows: list[FacetRow]) -> Facets:
    values: dict[str, list[Facet]] = {"models": [], "mods": [], "tags": [], "sources": []}
    for row in rows:
        if row.facet is not None and row.value is not None:
            values[row.facet].append(Facet(value=row.value, request_count=row.request_count))
    return Facets(**values, counted=rows[-1].request_count if rows else 0)
