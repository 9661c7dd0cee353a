"""`manage.py import`: import traces, with a line for the outcome of each."""

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from core.errors import InvalidInputError, ThunderError
from core.transfer.import_files import Item
from core.wire.validation import describe_validation

MAX_OUTAGES = 3
"""The number of consecutive traces without a database or server after which an import stops."""
UNAVAILABLE = 503
LARGE_BYTES = 4 * 1024 * 1024

CONFLICT_NOTE = "another trace has this id; --on-conflict replace replaces it"

log = logging.getLogger("thunder.chores")

Line = TypeVar("Line", bound=BaseModel)


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


def unwrap_line(body: bytes, model: type[Line]) -> Line | None:
    """Return a line that is an object with one member, the only field of a model; None if it has another name.

    Raises:
        InvalidInputError: it is damaged.
    """
    (name,) = model.model_fields
    if not body.startswith(f'{{"{name}":'.encode()):
        return None
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise InvalidInputError(describe_validation(error)) from None


class ImportStoppedError(ThunderError):
    """The import stopped, because the database or the server does not answer."""


Store = Callable[[bytes], Awaitable[Outcome]]
_Result = tuple[str, Status, bool]
"""The line of a trace, its outcome, and whether the database or the server did not answer."""


async def import_items(
    items: Iterable[Item], store: Store, report: Callable[[str], object], *, parallel: int = 1
) -> Counter[Status]:
    """Import traces, and count the outcomes. A failed trace does not affect the others.

    Args:
        items: the traces to import.
        store: stores a trace.
        report: called with a line for each trace, in the order of the items.
        parallel: the number of traces to store at a time. A large trace is stored alone, because it needs the memory.

    Raises:
        ImportStoppedError: the database or the server does not answer.
    """
    progress = _Progress(report)
    running: deque[asyncio.Task[_Result]] = deque()
    try:
        for item in items:
            most = 0 if len(item.body) > LARGE_BYTES else parallel - 1
            while len(running) > most:
                progress.note(await running.popleft())
            running.append(asyncio.create_task(_import_one(item, store)))
            if not most:
                progress.note(await running.popleft())
        while running:
            progress.note(await running.popleft())
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
    return progress.totals


@dataclass(slots=True)
class _Progress:
    """The outcomes so far, and the number of consecutive traces without a database."""

    report: Callable[[str], object]
    totals: Counter[Status] = field(default_factory=Counter[Status])
    outages: int = 0

    def note(self, result: _Result) -> None:
        line, status, is_outage = result
        self.totals[status] += 1
        self.report(line)
        self.outages = self.outages + 1 if is_outage else 0
        if self.outages == MAX_OUTAGES:
            done = describe_totals(self.totals)
            raise ImportStoppedError(
                f"import: {done}; the database or server does not answer; run the import again later"
            )


async def _import_one(item: Item, store: Store) -> _Result:
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
