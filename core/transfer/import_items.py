"""`manage.py import`: import traces one by one, with a line for the outcome of each."""

import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from core.errors import ThunderError
from core.transfer.import_files import Item

MAX_OUTAGES = 3
"""The number of consecutive traces without a database or server after which an import stops."""
UNAVAILABLE = 503

CONFLICT_NOTE = "another trace has this id; --on-conflict replace replaces it"

log = logging.getLogger("thunder.chores")


class Status(StrEnum):
    """The outcome of a trace. SKIPPED: the same trace is stored; CONFLICT: another trace has the id, and was kept."""

    OK = "ok"
    REPLACED = "replaced"
    SKIPPED = "skipped"
    CONFLICT = "conflict"
    FAILED = "failed"


class OnConflict(StrEnum):
    """How to handle a trace whose id belongs to another stored trace."""

    SKIP = "skip"
    REPLACE = "replace"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of a trace: status, id, and an optional note."""

    status: Status
    request_id: str
    note: str = ""

    def describe(self) -> str:
        """Return the line to print."""
        return f"{self.status.value} {self.request_id}" + (f" ({self.note})" if self.note else "")


class ImportStoppedError(ThunderError):
    """The import stopped, because the database or the server does not answer."""


Store = Callable[[bytes], Awaitable[Outcome]]


async def import_items(items: Iterable[Item], store: Store, report: Callable[[str], object]) -> Counter[Status]:
    """Import traces one after the other, and count the outcomes. A failed trace does not affect the others.

    Args:
        items: the traces to import.
        store: stores a trace.
        report: called with a line for each trace.

    Raises:
        ImportStoppedError: the database or the server does not answer.
    """
    totals: Counter[Status] = Counter()
    outages = 0
    for item in items:
        line, status, is_outage = await _import_one(item, store)
        totals[status] += 1
        report(line)
        outages = outages + 1 if is_outage else 0
        if outages == MAX_OUTAGES:
            raise ImportStoppedError(
                f"import: {describe_totals(totals)}; the database or server does not answer; run the import again later"
            )
    return totals


async def _import_one(item: Item, store: Store) -> tuple[str, Status, bool]:
    sentence, is_outage = item.problem, False
    if sentence is None:
        try:
            outcome = await store(item.body)
        except ThunderError as error:
            sentence, is_outage = str(error), error.status == UNAVAILABLE
        except Exception as error:  # one bad line must not stop the import
            log.exception("importing %s", item.location)
            sentence = f"internal error ({type(error).__name__}); see the log"
        else:
            return outcome.describe(), outcome.status, False
    return f"{Status.FAILED.value}: {item.location}: {sentence}", Status.FAILED, is_outage


def choose_exit_code(totals: Counter[Status]) -> int:
    """Return 1 if a trace failed, 3 if there were only conflicts, 0 if every trace is now stored."""
    if totals[Status.FAILED]:
        return 1
    return 3 if totals[Status.CONFLICT] else 0


def describe_totals(totals: Counter[Status]) -> str:
    """Describe the counts, for example `12 ok, 1 failed`."""
    return ", ".join(f"{totals[status]:,} {status.value}" for status in Status if totals[status]) or "nothing to import"
