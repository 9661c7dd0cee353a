"""The metrics of the serving processes, for Prometheus.

Several processes of `make run` share the directory in PROMETHEUS_MULTIPROC_DIR: each writes its values to files there,
and the one that is scraped adds them up. Files of ended processes stay, so that counters never decrease.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector, Metric
from typing_extensions import override

from core.database.pool import Pool
from functions.web.context import METRICS_DIRECTORY
from functions.web.figures import Figures

SECONDS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
DURATION = "thunder_http_request_seconds"
CPU = "process_cpu_seconds"
PROCESS = {
    "process_resident_memory_bytes": "Resident memory size in bytes.",
    "process_virtual_memory_bytes": "Virtual memory size in bytes.",
    "process_open_fds": "Number of open file descriptors.",
}
"""Prometheus' gauges of a process, as sums over all processes."""


class Metrics:
    """Counters, gauges and histograms of this process. Names and units follow Prometheus' conventions."""

    def __init__(self) -> None:
        registry = self.registry = CollectorRegistry()
        labels = ("method", "route", "status")
        self.requests = Counter("thunder_http_requests", "Answered requests.", labels, registry=registry)
        self.seconds = Histogram(DURATION, "Time to answer.", ("route",), buckets=SECONDS, registry=registry)
        self.ingest_bytes = Counter("thunder_ingest_bytes", "Uncompressed JSON of stored traces.", registry=registry)
        self.ingest_traces = Counter("thunder_ingest_traces", "Stored traces.", registry=registry)
        self.ingest_rows = Counter("thunder_ingest_rows", "Stored rows.", ("table",), registry=registry)
        self.pool_connections = self._make_gauge("thunder_pool_connections", "Connections to the database.", "state")
        self.pool_waiting = self._make_gauge("thunder_pool_waiting", "Requests waiting for a connection.")
        self.stream_clients = self._make_gauge("thunder_stream_clients", "Open streams.")
        self.cpu = Counter(CPU, "Total user and system CPU time spent in seconds.", registry=registry)
        self.cpu_seconds = 0.0
        self.process = {name: self._make_gauge(name, text) for name, text in PROCESS.items()}

    def _make_gauge(self, name: str, text: str, *labels: str) -> Gauge:
        """Return a gauge that is the sum over the running processes."""
        return Gauge(name, text, labels, registry=self.registry, multiprocess_mode="livesum")

    def note_answer(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count an answered request."""
        self.requests.labels(method, route, str(status)).inc()
        self.seconds.labels(route).observe(seconds)

    def note_ingest(self, size: int, rows: dict[str, int]) -> None:
        """Count a stored trace of `size` bytes and its rows by table."""
        self.ingest_traces.inc()
        self.ingest_bytes.inc(size)
        for table, count in rows.items():
            self.ingest_rows.labels(table).inc(count)

    def note_pool(self, pool: Pool) -> None:
        """Update the gauges of the connection pool."""
        stats = pool.get_stats()
        self.pool_connections.labels("open").set(stats.get("pool_size", 0))
        self.pool_connections.labels("idle").set(stats.get("pool_available", 0))
        self.pool_connections.labels("most").set(stats.get("pool_max", 0))
        self.pool_waiting.set(stats.get("requests_waiting", 0))

    def note_process(self) -> None:
        """Update the CPU time and the gauges of this process."""
        for family in ProcessCollector(registry=None).collect():
            (sample,) = family.samples
            if family.name == CPU:
                self.cpu.inc(max(0.0, sample.value - self.cpu_seconds))
                self.cpu_seconds = sample.value
            elif family.name in self.process:
                self.process[family.name].set(sample.value)

    def write(self, figures: Figures) -> bytes:
        """Return the metrics of all processes and the figures of the database in Prometheus' text format."""
        stored, shared = CollectorRegistry(), CollectorRegistry()
        stored.register(figures)
        directory = os.environ.get(METRICS_DIRECTORY)
        if directory is None:
            return generate_latest(self.registry) + generate_latest(stored)
        shared.register(_AllProcesses(Path(directory)))
        return generate_latest(shared) + generate_latest(stored)


@dataclass(frozen=True, slots=True)
class _AllProcesses(Collector):
    """The sums of the files of all processes."""

    directory: Path

    @override
    def collect(self) -> Iterable[Metric]:
        """Read the files in a fixed order, because sums of floats depend on it. A file is empty when it is created."""
        files = [str(path) for path in sorted(self.directory.glob("*.db")) if _has_content(path)]
        return MultiProcessCollector.merge(files)


def _has_content(path: Path) -> bool:
    try:
        return path.stat().st_size > 0
    except FileNotFoundError:  # the gauges of a process that has ended in the meantime
        return False
