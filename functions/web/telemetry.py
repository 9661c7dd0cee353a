"""Export metrics and traces of this process to an OpenTelemetry collector, over HTTP.

This module and OpenTelemetry's packages are imported only if OTEL_EXPORTER_OTLP_ENDPOINT is set.
"""

import asyncio
import os
import threading
import uuid
from collections.abc import Callable, Iterable
from functools import partial

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from prometheus_client.registry import Collector

from core.settings import Settings
from functions.web.figures import Figures
from functions.web.metrics import DURATION, SECONDS, Metrics

PROPAGATED = (b"traceparent", b"tracestate")
CLOSE_S = 3
"""Time to send the rest when the process stops. A collector may be unreachable."""


class Telemetry:
    """The exporters of a process. Metrics have the names of /metrics, and spans describe HTTP requests.

    Attributes:
        figures: the figures of the database, which are sent with the metrics.
        answers: number of answered requests.
    """

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        endpoint = settings.otel_exporter_otlp_endpoint
        own = {"service.name": settings.thunder_app_name, "service.instance.id": uuid.uuid4().hex}
        resource = Resource({**own, "service.version": settings.thunder_commit or "unknown"}).merge(
            OTELResourceDetector().detect()
        )
        self.figures = Figures()
        self.answers = 0
        self._traces = TracerProvider(resource=resource, shutdown_on_exit=False)
        if _is_wanted("TRACES"):
            exporter = OTLPSpanExporter(_find_endpoint("TRACES", f"{endpoint}/v1/traces"))
            self._traces.add_span_processor(BatchSpanProcessor(exporter))
        readers: list[PeriodicExportingMetricReader] = []
        if _is_wanted("METRICS"):
            sender = OTLPMetricExporter(_find_endpoint("METRICS", f"{endpoint}/v1/metrics"))
            readers.append(PeriodicExportingMetricReader(sender))
        self._metrics = MeterProvider(readers, resource=resource, shutdown_on_exit=False)
        self._tracer = self._traces.get_tracer("thunder")
        meter = self._metrics.get_meter("thunder")
        self._seconds = meter.create_histogram(DURATION, explicit_bucket_boundaries_advisory=SECONDS)
        for find in (lambda: metrics.registry, lambda: self.figures):
            for family in find().collect():
                create = {"counter": meter.create_observable_counter, "gauge": meter.create_observable_gauge}
                if family.type in create:
                    create[family.type](family.name, [partial(_observe, find, family.name)], "", family.documentation)

    def start_span(self, request_id: str, headers: Iterable[tuple[bytes, bytes]]) -> Span:
        """Start the span of a request, as a child of the caller's span if the headers name one."""
        carrier = {name.decode(): value.decode("latin-1") for name, value in headers if name in PROPAGATED}
        parent = TraceContextTextMapPropagator().extract(carrier)
        return self._tracer.start_span("HTTP", parent, SpanKind.SERVER, {"http.request.id": request_id})

    def note_answer(self, span: Span, method: str, route: str, status: int, seconds: float) -> None:
        """End the span of an answered request. Paths and queries are not exported, because they may hold keys."""
        self.answers += 1
        self._seconds.record(seconds, {"route": route})
        span.update_name(f"{method} {route}")
        span.set_attribute("http.request.method", method)
        span.set_attribute("http.route", route)
        span.set_attribute("http.response.status_code", status)
        if status >= 500 or status == 0:
            span.set_status(StatusCode.ERROR)
        span.end()

    async def close(self) -> None:
        """Send what has not been sent, for CLOSE_S at most."""
        # A thread that does not keep the process alive, because the exporters wait longer for an unreachable collector.
        thread = threading.Thread(target=self._shut_down, daemon=True)
        thread.start()
        await asyncio.to_thread(thread.join, CLOSE_S)

    def _shut_down(self) -> None:
        self._traces.shutdown()
        self._metrics.shutdown()


def list_problems() -> list[str]:
    """Return warnings about OpenTelemetry's variables."""
    if os.environ.get("OTEL_EXPORTER_OTLP_PROTOCOL", "").strip().lower() != "grpc":
        return []
    return ["OTEL_EXPORTER_OTLP_PROTOCOL: gRPC is not supported; use the collector's port for OTLP over HTTP"]


def _is_wanted(signal: str) -> bool:
    """Return whether a signal is exported. OpenTelemetry's SDK reads this variable only in its own launcher."""
    return os.environ.get(f"OTEL_{signal}_EXPORTER", "").strip().lower() != "none"


def _find_endpoint(signal: str, default: str) -> str:
    return os.environ.get(f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT") or default


def _observe(find: Callable[[], Collector], name: str, _: CallbackOptions) -> Iterable[Observation]:
    """Return the present values of a metric of Prometheus."""
    for family in find().collect():
        if family.name == name:
            for sample in family.samples:
                if not sample.name.endswith("_created"):
                    yield Observation(float(sample.value), sample.labels)
