"""`make demo`: post sample and labeled traces, spread over the past days, so that every page shows data."""

import gzip
import json
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta
from operator import itemgetter
from pathlib import Path
from typing import Any

from tqdm import tqdm

from functions.client.connection import Connection

DOCS = Path(__file__).parents[2] / "docs"
SPREAD = timedelta(days=7)
"""The age of the oldest trace. The newest is current."""
SOURCE = "mechanical-check"
"""The method by which the labeled answers were checked."""
BATCH = 50
"""Traces per call. They are stored in order, so that the first request of a group is the same in every run."""
CALLS = 3
"""Outcomes that are posted at the same time, while the next traces are stored."""

Trace = dict[str, Any]
Sample = tuple[Trace, bool | None]
"""A trace, and whether its answer was correct (None if unknown)."""
Read = Callable[[], Sample]


def post_demo(connection: Connection, *, now: datetime) -> int:
    """Post all traces and outcomes, and return the number of traces. A repeat replaces them."""
    reads = list_reads()
    recording: list[Future[None]] = []
    with tqdm(total=len(reads), desc="posting", unit="trace") as bar, ThreadPoolExecutor(CALLS) as pool:
        for start in range(0, len(reads), BATCH):
            samples = [read() for read in reads[start : start + BATCH]]
            moments = [now - SPREAD * (1 - ordinal / len(reads)) for ordinal in range(start + 1, len(reads) + 1)]
            traces = [move_to(trace, moment) for (trace, _), moment in zip(samples, moments, strict=False)]
            connection.ingest_all(traces)
            recording += [pool.submit(_record, connection, sample) for sample in samples]
            bar.update(len(samples))
        for one in recording:
            one.result()
    return len(reads)


def list_reads() -> list[Read]:
    """List all traces in the order in which they are posted."""
    return mix(_list_labelled(), _list_recorded())


def _record(connection: Connection, sample: Sample) -> None:
    trace, correct = sample
    if correct is not None:
        connection.record_outcome(trace["request"]["request_id"], correct=correct, source=SOURCE)


def mix(many: list[Read], few: list[Read]) -> list[Read]:
    """Merge two lists in order, with the short one spread evenly among the long one and its last element at the end."""
    positions = [(index + 1) / len(many) for index in range(len(many))]
    positions += [(index + 1) / len(few) for index in range(len(few))]
    return [sample for _, sample in sorted(zip(positions, [*many, *few], strict=True), key=itemgetter(0))]


def _list_recorded() -> list[Read]:
    paths = sorted((DOCS / "samples").glob("*.json"))
    return [lambda path=path: (json.loads(path.read_bytes()), None) for path in paths]


def _list_labelled() -> list[Read]:
    """List the labeled traces. Each is parsed when it is posted, because all of them would fill 200 MB."""
    lines = gzip.decompress((DOCS / "labelled" / "traces.ndjson.gz").read_bytes()).splitlines()
    return [lambda line=line: itemgetter("trace", "correct")(json.loads(line)) for line in lines]


def move_to(trace: Trace, moment: datetime) -> Trace:
    """Return the trace with all times shifted so that it begins at another moment."""
    by = moment - datetime.fromisoformat(trace["request"]["created_at"])
    return {name: _move(part, by) for name, part in trace.items()}


def _move(part: Any, by: timedelta) -> Any:  # noqa: ANN401 - JSON
    if isinstance(part, list):
        return [_move(one, by) for one in part]
    return {
        name: (datetime.fromisoformat(value) + by).isoformat() if name.endswith("ed_at") and value else value
        for name, value in part.items()
    }
