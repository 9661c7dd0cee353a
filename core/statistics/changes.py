"""Changes: whether the served model answers the same prompts with other probabilities than before.

A server returns slightly different log-probabilities for one prompt, depending on the requests that it decodes
together. The test therefore compares the difference between two periods with the differences within them.

Source: "Log Probability Tracking of LLM APIs" (arXiv 2512.03816), extended from one prompt to several.
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

from psycopg import AsyncConnection

from core.access.access import Access
from core.access.caller import Scope
from core.database.pool import retry_read
from core.statistics import store
from core.statistics.narrow import narrow
from core.statistics.store import FirstListRow
from core.traces.filters import Filters
from core.wire.models import Frozen

if TYPE_CHECKING:
    import numpy as np

    from core.confidence.table import Floats

PERMUTATIONS = 1999
"""Random relabelings. The smallest p-value is 1 / (PERMUTATIONS + 1)."""
SEED = 20251203
MIN_REPEATS = 2
"""Minimum requests of a prompt in the baseline. They show how much the probabilities differ without a change."""
MIN_LABELINGS = 100
"""Minimum ways to assign the requests to the periods. With fewer, the p-value could not be below 0.01."""
NOISE = 1e-9
"""Relative difference of two equal statistics that are summed in another order."""


class Changes(Frozen):
    """Two periods compared.

    Attributes:
        prompts: number of prompts with enough requests in both periods.
        statistic: mean absolute difference between the periods' mean log-probabilities of the first token's list, nats:
            the mean over the tokens of each prompt, then over the prompts. None without prompts.
        pvalue: probability of a statistic at least this large if the model has not changed. None if there are too few
            requests.
        message: how to interpret the result.
    """

    prompts: int
    statistic: float | None
    pvalue: float | None
    message: str


@retry_read
async def fetch_first_lists(
    access: Access, key: str | None, *, baseline: Filters, current: Filters
) -> list[FirstListRow]:
    """Fetch the first top-k lists of the caller's prompts that occur in both periods, one per group."""
    async with access.session(key, Scope.READ) as session:
        return await list_first_lists(session.conn, await narrow(session, baseline), await narrow(session, current))


async def list_first_lists(conn: AsyncConnection, baseline: Filters, current: Filters) -> list[FirstListRow]:
    """List the first top-k lists of the prompts that occur in both periods, one per group."""
    return await store.LIST_FIRST_LISTS.fetch_all(
        conn,
        baseline=baseline,
        current=current,
        values=store.MAX_VALUES,
        repeats=store.MAX_REPEATS,
        prompts=store.MAX_PROMPTS,
        least=MIN_REPEATS,
    )


def detect_change(rows: Sequence[FirstListRow]) -> Changes:
    """Test whether the first token's log-probabilities differ between the periods. Pure; takes up to a few seconds.

    A permutation test: the requests of each prompt are assigned to the periods at random. If the model has not changed,
    the requests of a prompt are exchangeable, so the test raises at most as many false alarms as its level allows.
    """
    prompts = [prompt for prompt in map(_tabulate, _group(rows)) if prompt is not None]
    if not prompts:
        message = (
            f"no prompt has {MIN_REPEATS} requests with a top-k list in the baseline and another one after it; "
            "send some prompts repeatedly"
        )
        return Changes(prompts=0, statistic=None, pvalue=None, message=message)
    statistic, pvalue = _permute(prompts)
    if _count_labelings(prompts) < MIN_LABELINGS:
        requests = sum(table.shape[0] for table, _ in prompts)
        message = (
            f"{requests} requests of {len(prompts)} {'prompt' if len(prompts) == 1 else 'prompts'} are too few for a "
            "p-value; repeat more prompts, or repeat them more often"
        )
        return Changes(prompts=len(prompts), statistic=statistic, pvalue=None, message=message)
    return Changes(prompts=len(prompts), statistic=statistic, pvalue=pvalue, message=_interpret(pvalue))


def _interpret(pvalue: float) -> str:
    if pvalue < 0.01:
        return "the probabilities differ more between the periods than within them; the model or its server has changed"
    if pvalue < 0.05:
        return "weak evidence of a change; compare more requests"
    return "no significant change"


Prompt = tuple["Floats", int]
"""The log-probabilities [requests, tokens] of a prompt, the baseline first, and the number of baseline requests."""


def _group(rows: Sequence[FirstListRow]) -> list[list[FirstListRow]]:
    """Group the rows by prompt, sorted by prompt and within it, so that the result doesn't depend on their order."""
    prompts: defaultdict[tuple[str, int, int], list[FirstListRow]] = defaultdict(list)
    for row in rows:
        prompts[row.model or "", row.prompt_digest, len(row.tokens)].append(row)
    ordered = [prompts[key] for key in sorted(prompts)]
    return [sorted(one, key=lambda row: (not row.is_baseline, row.id)) for one in ordered]


def _tabulate(rows: list[FirstListRow]) -> Prompt | None:
    """Return the log-probabilities of every token in any list of a prompt.

    A token outside a list gets the smallest log-probability of the list, which is the largest that it can have.
    """
    import numpy as np  # noqa: PLC0415 - only this endpoint of core.statistics needs it

    before = sum(row.is_baseline for row in rows)
    if before < MIN_REPEATS or before == len(rows):
        return None
    tokens = sorted({token for row in rows for token in row.tokens})
    column = {token: i for i, token in enumerate(tokens)}
    table = np.repeat([[min(row.logprobs)] for row in rows], len(tokens), axis=1)
    for i, row in enumerate(rows):
        table[i, [column[token] for token in row.tokens]] = row.logprobs
    return table, before


def _permute(prompts: Sequence[Prompt]) -> tuple[float, float]:
    """Return the statistic, and the share of relabelings whose statistic is at least as large."""
    import numpy as np  # noqa: PLC0415 - as above

    random = np.random.default_rng(SEED)
    totals = np.zeros(PERMUTATIONS + 1)
    for table, before in prompts:
        totals += _measure(table, _draw_labels(random, table.shape[0], before))
    totals /= len(prompts)
    observed = float(totals[0])
    return observed, float(np.mean(totals >= observed * (1 - NOISE)))


def _draw_labels(random: "np.random.Generator", count: int, before: int) -> "Floats":
    """Return the labels [PERMUTATIONS + 1, count]: 1 for the baseline, 0 for the current period. Row 0 is real."""
    import numpy as np  # noqa: PLC0415 - as above

    real = (np.arange(count) < before).astype(np.float64)
    drawn = random.permuted(np.broadcast_to(real, (PERMUTATIONS, count)), axis=1)
    return np.concatenate([real[np.newaxis], drawn])


def _measure(table: "Floats", labels: "Floats") -> "Floats":
    """Return the mean absolute difference of the two means, for each row of labels."""
    import numpy as np  # noqa: PLC0415 - as above

    centered = table - table.mean(axis=0)  # keeps digits when equal values are subtracted
    before = labels.sum(axis=1, keepdims=True)
    sums = labels @ centered
    return np.abs(sums / before - (centered.sum(axis=0) - sums) / (table.shape[0] - before)).mean(axis=1)


def _count_labelings(prompts: Sequence[Prompt]) -> float:
    """Return the number of distinguishable ways to assign the requests to the periods.

    If each prompt has as many requests in one period as in the other, swapping the periods gives the same statistic.
    """
    ways = math.prod(float(math.comb(table.shape[0], before)) for table, before in prompts)
    return ways / 2 if all(table.shape[0] == 2 * before for table, before in prompts) else ways
