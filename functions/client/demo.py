"""`make demo`: post sample and labelled traces, spread over the past days, so that every page shows data."""

import gzip
import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from operator import itemgetter
from pathlib import Path
from typing import Any

from tqdm import tqdm

from functions.client.connection import Connection

SAMPLES = Path(__file__).parents[2] / "tests"
SPREAD = timedelta(days=7)
"""The age of the oldest trace. The newest is current."""
SOURCE = "exact-match"
"""The method by which the labelled answers were checked."""

Trace = dict[str, Any]
Sample = tuple[Trace, bool | None]
"""A trace, and whether its answer was correct (None if unknown)."""


def post_demo(connection: Connection, *, now: datetime) -> int:
    """Post all traces and outcomes, and return the number of traces. A repeat replaces them."""
    samples = mix(list(_read_labelled()), list(_read_recorded()))
    bar = tqdm(samples, desc="posting", unit="trace")
    for ordinal, (trace, correct) in enumerate(bar, 1):
        moment = now - SPREAD * (1 - ordinal / len(samples))
        connection.ingest(move_to(trace, moment))
        if correct is not None:
            connection.record_outcome(trace["request"]["request_id"], correct=correct, source=SOURCE)
    return len(samples)


def mix(many: list[Sample], few: list[Sample]) -> list[Sample]:
    """Merge two lists in order, with the short one spread evenly among the long one and its last element at the end."""
    positions = [(index + 1) / len(many) for index in range(len(many))]
    positions += [(index + 1) / len(few) for index in range(len(few))]
    return [sample for _, sample in sorted(zip(positions, [*many, *few], strict=True), key=itemgetter(0))]


def _read_recorded() -> Iterator[Sample]:
    for path in sorted((SAMPLES / "traces").glob("*.json")):
        yield json.loads(path.read_bytes()), None


def _read_labelled() -> Iterator[Sample]:
    with gzip.open(SAMPLES / "labelled" / "traces.ndjson.gz") as lines:
        for line in lines:
            sample = json.loads(line)
            yield sample["trace"], sample["correct"]


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
