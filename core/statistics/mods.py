"""Mods: the handlers that were called, how long they took, and their effect on the text."""

from itertools import groupby

from core.access.access import Access
from core.access.caller import Scope
from core.database.pool import retry_read
from core.statistics import store
from core.statistics.store import HandlerRow
from core.wire.models import Frozen


class ExecutionTime(Frozen):
    """Duration of a call in milliseconds. None if the engine did not report it."""

    p50: float | None
    p95: float | None


class Effect(Frozen):
    """The effect of a handler's actions.

    Attributes:
        mean_intervention_surprisal: mean surprisal of the first forced token of each intervention, nats.
        mean_confidence_change: mean of (sequence confidence after - before an intervention).
        forced_share: tokens forced by the handler, per token of the requests in which it was called.
        discarded_tokens: number of tokens that its backtracks removed.
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
    """A mod, the number of requests in which it was called, and its handlers."""

    name: str
    requests: int
    handlers: list[Handler]


@retry_read
async def list_mods(access: Access, key: str | None) -> list[Mod]:
    """List the mods that were called in the caller's requests, by name."""
    async with access.session(key, Scope.READ) as session:
        rows = await store.LIST_MODS.fetch_all(
            session.conn, owner=session.caller.owner_filter, limit=store.MAX_HANDLERS
        )
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
        effect=Effect.model_validate(row, from_attributes=True),
    )
