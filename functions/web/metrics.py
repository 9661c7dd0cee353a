"""The metrics of this process since it started."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

from core.database.pool import Pool
from core.statistics.store import ModelRow

SECONDS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


@dataclass(slots=True)
class Metrics:
    """Counters, gauges and histograms of one process. Names and units follow Prometheus' conventions."""

    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    requests: Counter = field(init=False)
    seconds: Histogram = field(init=False)
    ingest_bytes: Counter = field(init=False)
    ingest_traces: Counter = field(init=False)
    ingest_rows: Counter = field(init=False)
    pool_connections: Gauge = field(init=False)
    pool_waiting: Gauge = field(init=False)
    stream_clients: Gauge = field(init=False)
    newest_age: Gauge = field(init=False)
    confidence_mean: Gauge = field(init=False)
    confidence_p5: Gauge = field(init=False)
    confidence_low: Gauge = field(init=False)

    def __post_init__(self) -> None:
        registry = self.registry
        ProcessCollector(registry=registry)
        labels = ("method", "route", "status")
        self.requests = Counter("thunder_http_requests", "Answered requests.", labels, registry=registry)
        self.seconds = Histogram(
            "thunder_http_request_seconds", "Time to answer.", ("route",), buckets=SECONDS, registry=registry
        )
        self.ingest_bytes = Counter("thunder_ingest_bytes", "Uncompressed JSON of stored traces.", registry=registry)
        self.ingest_traces = Counter("thunder_ingest_traces", "Stored traces.", registry=registry)
        self.ingest_rows = Counter("thunder_ingest_rows", "Stored rows.", ("table",), registry=registry)
        self.pool_connections = Gauge(
            "thunder_pool_connections", "Connections to the database.", ("state",), registry=registry
        )
        self.pool_waiting = Gauge("thunder_pool_waiting", "Requests waiting for a connection.", registry=registry)
        self.stream_clients = Gauge("thunder_stream_clients", "Open streams.", registry=registry)
        self.newest_age = Gauge(
            "thunder_newest_commit_age_seconds", "Age of the newest trace that any process stored.", registry=registry
        )
        received = "of the requests received in the last hour"
        self.confidence_mean = Gauge(
            "thunder_confidence_mean", f"Mean sequence confidence {received}.", ("model",), registry=registry
        )
        self.confidence_p5 = Gauge(
            "thunder_confidence_p5", f"5th percentile of the confidence {received}.", ("model",), registry=registry
        )
        self.confidence_low = Gauge(
            "thunder_confidence_below_0_2_ratio", f"Share below 0.2 {received}.", ("model",), registry=registry
        )

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

    def note_models(self, models: Iterable[ModelRow]) -> None:
        """Replace the gauges of the models. Models without recent requests have none."""
        for gauge in (self.confidence_mean, self.confidence_p5, self.confidence_low):
            gauge.clear()
        for one in models:
            self.confidence_mean.labels(one.model).set(one.mean)
            self.confidence_p5.labels(one.model).set(one.p5)
            self.confidence_low.labels(one.model).set(one.low_share)

    def write(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return generate_latest(self.registry)
