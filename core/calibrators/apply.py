"""Apply the active calibrator to scores that are not stored. Stored requests get p_correct from a trigger."""

from psycopg.types.json import Jsonb

from core.access.access import Access
from core.access.caller import Caller, Scope
from core.calibrators import store
from core.database.pool import retry_read
from core.reports.scored_body import ScoredBody


async def calibrate_report(access: Access, key: str | None, caller: Caller, scored: ScoredBody) -> bytes:
    """Return the report of a posted body with p_correct and its calibrator, both None if no calibrator applies.

    No calibrator applies to a body without a model or top-k lists, or from a key that may not read. In these
    cases, the database is not queried.
    """
    applied = None
    may_read = not caller.scopes.isdisjoint({Scope.READ, Scope.READ_ALL})
    if scored.model and scored.k is not None and access.open_pool is not None and may_read:
        applied = await _apply(access, key, scored)
    return scored.render({"p_correct": None, "calibrator": None} if applied is None else applied.model_dump())


@retry_read
async def _apply(access: Access, key: str | None, scored: ScoredBody) -> store.Applied | None:
    async with access.session(key, Scope.READ) as session:
        return await store.APPLY_CALIBRATOR.fetch_one(
            session.conn,
            owner=session.caller.own_filter,
            model=scored.model,
            k=scored.k,
            logprobs_mode=scored.logprobs_mode,
            scores=Jsonb(scored.scores),
        )
