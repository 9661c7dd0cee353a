"""Mods: every handler that was called, how it did, and what it did to the text."""

from itertools import groupby

from pydantic import BaseModel, ConfigDict

from core.access.caller import Scope
from core.access.session import Access
from core.database.pool import reread
from core.statistics import store
from core.statistics.store import HandlerRow


class Frozen(BaseModel):
    """A part of an answer."""

    model_config = ConfigDict(frozen=True)


class ExecutionTime(Frozen):
    """Milliseconds a call took; null where the engine did not say."""

    p50: float | None
    p95: float | None


class Effect(Frozen):
    """What a handler's actions did.

    Attributes:
        mean_intervention_surprisal: nats; how unlikely the model thought what was forced on it.
        mean_confidence_change: sequence confidence of the tokens after minus before an intervention, averaged.
        forced_share: tokens it forced, per token of the requests it was called in.
        discarded_tokens: tokens its backtracks removed.
    """

    mean_intervention_surprisal: float | None
    mean_confidence_change: float | None
    forced_share: float | None
    discarded_tokens: int


class Handler(Frozen):
    """One handler of a mod."""

    block_key: str
    calls: int
    exceptions: int
    execution_ms: ExecutionTime
    actions: dict[str, int]
    effect: Effect


class Mod(Frozen):
    """One mod: in how many requests it was called, and its handlers."""

    name: str
    requests: int
    handlers: list[Handler]


@reread
async def list_mods(access: Access, key: str | None) -> list[Mod]:
    """Every mod that was called in the caller's requests, by name."""
    async with access.visit(key, Scope.READ) as visit:
        rows = await store.list_mods(visit.conn, owner=visit.caller.owner_filter)
    return [
        Mod(name=name, requests=requests, handlers=[_make_handler(row) for row in handlers])
        for (name, requests), handlers in groupby(rows, lambda row: (row.name, row.requests))
    ]


def _make_handler(row: HandlerRow) -> Handler:
    p50, p95 = row.execution_ms or [None, None]
    return Handler(
        block_key=row.block_key,
        calls=row.calls,
        exceptions=row.exceptions,
        execution_ms=ExecutionTime(p50=p50, p95=p95),
        actions=row.actions,
        effect=Effect(
            mean_intervention_surprisal=row.mean_intervention_surprisal,
            mean_confidence_change=row.mean_confidence_change,
            forced_share=row.forced_share,
            discarded_tokens=row.discarded_tokens,
        ),
    )
