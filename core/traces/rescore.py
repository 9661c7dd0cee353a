"""Update stored scores after a change of the scoring rules or of a calibrator, for `manage.py rescore`.

Each batch is a transaction, and requests that are up to date are skipped, so an interrupted run can be restarted.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from core.access.access import Access
from core.access.caller import Scope
from core.access.session import Session
from core.document.formats import require_known_format
from core.errors import ThunderError
from core.pairing.version import SCORING_VERSION
from core.traces import store
from core.traces.ingest import PreparedTrace, prepare_rows, write_rows
from core.traces.kept import read_kept
from core.traces.store import OutdatedRow
from core.wire.zstandard import decompress

BATCH = 8
"""Requests per transaction. They stay locked, and their compressed documents stay in memory, until it ends."""
CALIBRATED_BATCH = 500
"""The same for requests of which only p_correct is updated."""
NOISE = 1e-9
"""Maximum change of a sequence confidence that counts as unchanged."""


@dataclass(slots=True)
class Rescored:
    """The result of a run.

    Attributes:
        count: the number of requests that were scored again.
        calibrated: the number of requests of which only p_correct was updated.
        changed: the number of scored requests whose sequence confidence changed.
        largest: the largest change of a sequence confidence.
        failed: the reason for each request that could not be scored and was left unchanged, by id.
    """

    count: int = 0
    calibrated: int = 0
    changed: int = 0
    largest: float = 0.0
    failed: dict[str, str] = field(default_factory=dict)

    def note(self, before: float | None, after: float | None) -> None:
        """Count one request."""
        self.count += 1
        moved = abs((before or 0.0) - (after or 0.0)) if (before is None) == (after is None) else 1.0
        self.changed += moved > NOISE
        self.largest = max(self.largest, moved)


async def count_outdated(access: Access, key: str, *, everything: bool) -> int:
    """Count the requests that `rescore` would update."""
    async with access.session(key, Scope.ADMIN) as session:
        return await store.COUNT_OUTDATED.fetch_only(session.conn, version=SCORING_VERSION, everything=everything)


async def rescore(
    access: Access, key: str, *, everything: bool = False, progress: Callable[[int], object] = int
) -> Rescored:
    """Update the stored scores of requests.

    Args:
        access: the database.
        key: an admin's key.
        everything: whether to update requests of the current version, too.
        progress: called with the size of each batch.
    """
    done, after_id = Rescored(), 0
    while True:
        async with access.session(key, Scope.ADMIN) as session:
            batch = await store.LOCK_OUTDATED.fetch_all(
                session.conn, version=SCORING_VERSION, everything=everything, after_id=after_id, limit=BATCH
            )
            for row in batch:
                await _rescore_one(session, row, done)
        if not batch:
            break
        after_id = batch[-1].id
        progress(len(batch))
    done.calibrated = await _recalibrate(access, key, progress)
    return done


async def _recalibrate(access: Access, key: str, progress: Callable[[int], object]) -> int:
    """Apply the active calibrators to requests with a p_correct of another one. Scoring a request already does so."""
    count, after_id = 0, 0
    while True:
        async with access.session(key, Scope.ADMIN) as session:
            ids = await store.RECALIBRATE.fetch_all(session.conn, after_id=after_id, limit=CALIBRATED_BATCH)
        if not ids:
            return count
        count, after_id = count + len(ids), max(ids)
        progress(len(ids))


async def _rescore_one(session: Session, row: OutdatedRow, done: Rescored) -> None:
    try:
        prepared = await asyncio.to_thread(_prepare, row)
    except ThunderError as error:
        done.failed[row.request_id] = str(error)
        return
    scores = {name: prepared.request[name] for name in store.UPDATE_SCORES.parameters}
    await store.UPDATE_SCORES.execute(session.conn, **scores)
    await write_rows(session.conn, prepared)
    done.note(row.sequence_confidence, prepared.request["sequence_confidence"])


def _prepare(row: OutdatedRow) -> PreparedTrace:
    require_known_format(row.format)
    kept = read_kept(decompress(row.document), row.format, row.choice)
    return prepare_rows(kept, {}, owner=None, owner_label=None, request_id=row.request_id)


def describe_rescored(done: Rescored) -> list[str]:
    """Describe a run: one line for each failure, and a summary."""
    failures = [f"failed {request_id}: {reason}" for request_id, reason in done.failed.items()]
    moved = f"; sequence confidence changed in {done.changed:,}, by at most {done.largest:.3g}" if done.changed else ""
    calibrated = f"; updated p_correct of {done.calibrated:,} others" if done.calibrated else ""
    return [*failures, f"rescored {done.count:,} requests{moved}{calibrated}"]
