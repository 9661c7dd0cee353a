"""Peers: the requests that a request is compared with, those of its model and those with its prompt."""

from collections import defaultdict

from core.access.access import Access
from core.access.caller import Scope
from core.database.pool import retry_read
from core.document.schema import MAX_TOKENS
from core.statistics import store
from core.statistics.narrow import narrow
from core.statistics.store import ContinuationRow, PeerRow
from core.traces.filters import Filters
from core.traces.own_request import require_own_request, require_row
from core.wire.models import Frozen

MAX_INDEX = MAX_TOKENS - 1
MAX_EXAMPLES = 3
"""Requests that are named for each alternative."""


class Standing(Frozen):
    """The rank of a request among the newest requests of its model.

    Attributes:
        n: compared requests that have a sequence confidence.
        lower: number of them with a lower one.
        percentile: percentage with a lower one, plus half of those with an equal one; None if the request has none.
    """

    model: str | None
    n: int
    lower: int
    percentile: float | None


class Peers(Frozen):
    """The standing of a request, its neighbors in the filtered feed, and the newest requests with the same prompt."""

    request_id: str
    standing: Standing
    newer: str | None
    older: str | None
    same_prompt: list[PeerRow]


class Example(Frozen):
    """A request that took an alternative: the index of that token in it, and the text that followed."""

    request_id: str
    index: int
    following: str
    sequence_confidence: float | None


class Alternative(Frozen):
    """A token that other requests have in the same place, the number of these requests, and the newest of them."""

    token: int | None
    token_text: str | None
    requests: int
    examples: list[Example]


@retry_read
async def fetch_peers(access: Access, key: str | None, *, request_id: str, filters: Filters) -> Peers:
    """Compare a request with the caller's other requests. The filters apply to its neighbors.

    Raises:
        NotFoundError: the request does not exist, or the caller does not own it.
    """
    async with access.session(key, Scope.READ) as session:
        await require_own_request(session, request_id)
        owner = session.caller.owner_filter
        found = await store.COMPARE_WITH_PEERS.fetch_one(
            session.conn,
            request_id=request_id,
            owner=owner,
            filters=await narrow(session, filters),
            ranked=store.MAX_RANKED,
        )
        same_prompt = await store.LIST_SAME_PROMPT.fetch_all(
            session.conn,
            request_id=request_id,
            owner=owner,
            candidates=store.MAX_CANDIDATES,
            limit=store.MAX_SAME_PROMPT,
            chars=store.PEER_TEXT_CHARS,
        )
    row = require_row(session, request_id, found)  # None if the request was deleted in the meantime
    is_ranked = row.sequence_confidence is not None and row.n > 0
    percentile = 100 * (row.lower + row.equal / 2) / row.n if is_ranked else None
    standing = Standing(model=row.model, n=row.n, lower=row.lower, percentile=percentile)
    return Peers(request_id=request_id, standing=standing, newer=row.newer, older=row.older, same_prompt=same_prompt)


@retry_read
async def fetch_alternatives(access: Access, key: str | None, *, request_id: str, index: int) -> list[Alternative]:
    """Fetch the tokens that the caller's other requests have in the place of a token, the most frequent first.

    These requests have the same prompt and model, and the same text before the token.

    Raises:
        NotFoundError: the request does not exist, or the caller does not own it.
    """
    async with access.session(key, Scope.READ) as session:
        await require_own_request(session, request_id)
        rows = await store.LIST_CONTINUATIONS.fetch_all(
            session.conn,
            request_id=request_id,
            owner=session.caller.owner_filter,
            index=index,
            candidates=store.MAX_CANDIDATES,
            limit=store.MAX_CONTINUATIONS,
            following=store.MAX_FOLLOWING,
            discarded=store.MAX_DISCARDED,
        )
    return group_continuations(rows)


def group_continuations(rows: list[ContinuationRow]) -> list[Alternative]:
    """Group continuations by their first token, the most frequent first."""
    groups: defaultdict[tuple[int | None, str | None], list[ContinuationRow]] = defaultdict(list)
    for row in rows:
        groups[row.token, row.token_text].append(row)
    made = [
        Alternative(token=token, token_text=text, requests=len(found), examples=_show_examples(found))
        for (token, text), found in groups.items()
    ]
    return sorted(made, key=lambda one: -one.requests)


def _show_examples(rows: list[ContinuationRow]) -> list[Example]:
    shown = rows[:MAX_EXAMPLES]
    return [Example.model_validate(row, from_attributes=True) for row in shown]
