"""GET /v1/confidence/groups/{group_id}: votes among the answers of a group."""

from sys import getsizeof

from fastapi import APIRouter, Request

from core.answers.votes import GroupVotes, count_pattern_votes, count_votes
from core.statistics.groups import fetch_ballots
from functions.web.access import KeyDep
from functions.web.account import find_account
from functions.web.context import ContextDep
from functions.web.query import PatternParam

router = APIRouter(tags=["confidence"])


@router.get("/v1/confidence/groups/{group_id}")
async def get_group(
    request: Request, context: ContextDep, key: KeyDep, group_id: str, pattern: PatternParam = None
) -> GroupVotes:
    """Choose one of the answers of a group by majority, by confidence, and among the more confident half."""
    ballots = await fetch_ballots(context.access, key, group_id=group_id)
    with context.reserve_for(key, sum(getsizeof(ballot.text) for ballot in ballots)):
        if pattern is None:
            return await context.run_for(key, count_votes, ballots)
        return await context.run_heavy(await find_account(request), count_pattern_votes, pattern.encode(), ballots)
