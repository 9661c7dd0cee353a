"""`manage.py import`: each trace by itself, with a line of what became of it."""

import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from core.errors import ThunderError
from core.transfer.import_files import Item

MAX_OUTAGES = 3
"""Traces in a row that found no database or server, after which an import ends: the others would not either."""
UNAVAILABLE = 503

log = logging.getLogger("thunder.chores")


class Status(StrEnum):
    """What became of a trace."""

    OK = "ok"
    REPLACED = "replaced"
    SKIPPED = "skipped"
    FAILED = "failed"


class OnConflict(StrEnum):
    """What to do with a trace whose id is taken by another one."""

    SKIP = "skip"
    REPLACE = "replace"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a trace: its id, or a sentence about it."""

    status: Status
    request_id: str
    note: str = ""

    def describe(self) -> str:
        """One line."""
        return f"{self.status.value} {self.request_id}" + (f" ({self.note})" if self.note else "")


class ImportStoppedError(ThunderError):
    """There is no use in going on."""


Store = Callable[[bytes], Awaitable[Outcome]]


async def import_items(items: Iterable[Item], store: Store, tell: Callable[[str], object]) -> Counter[Status]:
    """Import one after the other; none that fails harms another. Returns how many came to what.

    Args:
        items: what to import.
        store: what stores one.
        tell: called with a line for each.

    Raises:
        ImportStoppedError: the database, or the server, is away.
    """
    totals: Counter[Status] = Counter()
    outages = 0
    for item in items:
        line, status, is_outage = await _import_one(item, store)
        totals[status] += 1
        tell(line)
        outages = outages + 1 if is_outage else 0
        if outages == MAX_OUTAGES:
            raise ImportStoppedError(f"{describe_totals(totals)}; nobody answers: run it again later to go on")
    return totals


async def _import_one(item: Item, store: Store) -> tuple[str, Status, bool]:
    sentence, is_outage = item.problem, False
    if sentence is None:
        try:
            outcome = await store(item.body)
        except ThunderError as error:
            sentence, is_outage = str(error), error.status == UNAVAILABLE
        except Exception as error:  # one bad line harms no other
            log.exception("importing %s", item.place)
            sentence = f"a bug of Thunder's ({type(error).__name__}); the log has more"
        else:
            return outcome.describe(), outcome.status, False
    return f"{Status.FAILED.value}: {item.place}: {sentence}", Status.FAILED, is_outage


def describe_totals(totals: Counter[Status]) -> str:
    """`12 ok, 1 failed`."""
    return ", ".join(f"{totals[status]:,} {status.value}" for status in Status if totals[status]) or "nothing to import"
