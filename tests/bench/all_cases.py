"""All groups of cases in the order of the table."""

from typing import Any

from tests.bench.case import Group
from tests.bench.cases import bounded, cold, detail, feed, ingest, memory, score, small, stored, stream, trips

GROUPS: list[Group[Any]] = [
    ingest.GROUP,
    detail.GROUP,
    feed.GROUP,
    stream.GROUP,
    score.GROUP,
    small.GROUP,
    trips.GROUP,
    cold.GROUP,
    stored.GROUP,
    memory.GROUP,
    bounded.GROUP,
]
