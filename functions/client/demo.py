"""`make demo`: the sample traces and the labelled ones, spread over the past days, so that every page has something."""

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
"""The first trace is this old, the last one new."""
SOURCE = "exact-match"
"""How the labelled answers were checked."""

Trace = dict[str, Any]
Sample = tuple[Trace, bool | None]
"""A trace, and whether its answer was right, where that was checked."""


def post_demo(connection: Connection, *, now: datetime) -> int:
    """Post everything, outcomes included, and say how many traces that were. A repeat replaces them."""
    samples = mix(list(_read_labelled()), list(_read_recorded()))
    bar = tqdm(samples, desc="posting", unit="trace")
    for place, (trace, correct) in enumerate(bar):
        moment = now - SPREAD * (1 - (place + 1) / len(samples))
        connection.ingest(move_to(trace, moment))
        if correct is not None:
            connection.record_outcome(trace["request"]["request_id"], correct=correct, source=SOURCE)
    return len(samples)


def mix(many: list[Sample], few: list[Sample]) -> list[Sample]:
    """All of them in their order, the few spread evenly among the many; the last of the few comes last."""
    places = [(place + 1) / len(many) for place in range(len(many))]
    places += [(place + 1) / len(few) for place in range(len(few))]
    return [sample for _, sample in sorted(zip(places, [*many, *few], strict=True), key=itemgetter(0))]


def _read_recorded() -> Iterator[Sample]:
    for path in sorted((SAMPLES / "traces").glob("*.json")):
        yield json.loads(path.read_bytes()), None


def _read_labelled() -> Iterator[Sample]:
    with gzip.open(SAMPLES / "labelled" / "traces.ndjson.gz") as lines:
        for line in lines:
            sample = json.loads(line)
            yield sample["trace"], sample["correct"]


def move_to(trace: Trace, moment: datetime) -> Trace:
    """The same trace, begun at another moment: every time in it moves by as much."""
    by = moment - datetime.fromisoformat(trace["request"]["created_at"])
    return {name: _move(part, by) for name, part in trace.items()}


def _move(part: Any, by: timedelta) -> Any:  # noqa: ANN401 - JSON
    if isinstance(part, list):
        return [_move(one, by) for one in part]
    return {
        name: (datetime.fromisoformat(value) + by).isoformat() if name.endswith("ed_at") and value else value
        for name, value in part.items()
    }
