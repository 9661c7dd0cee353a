"""Groups: the answers to one prompt, to vote on."""

from core.access.access import Access
from core.access.caller import Scope
from core.answers.votes import Ballot
from core.database.pool import retry_read
from core.errors import NotFoundError
from core.statistics import store
from core.wire.json_text import to_storable_id


@retry_read
async def fetch_ballots(access: Access, key: str | None, *, group_id: str) -> list[Ballot]:
    """Fetch the caller's requests of a group.

    Raises:
        NotFoundError: the caller may not read any request of the group.
    """
    async with access.session(key, Scope.READ) as session:
        ballots = await store.LIST_BALLOTS.fetch_all(
            session.conn,
            group_id=to_storable_id(group_id),
            owner=session.caller.owner_filter,
            chars=store.MAX_ANSWER_CHARS,
            limit=store.MAX_BALLOTS,
        )
    if not ballots:
        raise NotFoundError(f"group_id: there is no group {group_id!r}; check the id")
    return ballots
