"""Metrics and traces of Thunder at a collector that speaks OTLP over HTTP."""

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from core.settings import Settings
from functions import api
from functions.web import measuring
from functions.web.figures import Figures
from functions.web.lifespan import open_context
from functions.web.metrics import Metrics
from functions.web.telemetry import Telemetry
from tests.support.client import Client, send
from tests.support.environment import ROOT
from tests.support.keys import ADMIN_KEY
from tests.support.posts import post_probs
from tests.support.processes import server_process
from tests.support.receiver import Receiver, receiving, wait_until

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
FAST = {"OTEL_METRIC_EXPORT_INTERVAL": "200", "OTEL_BSP_SCHEDULE_DELAY": "100"}


def read_spans(collector: Receiver) -> list[Span]:
    bodies = [one.body for one in collector.received if one.path == "/v1/traces"]
    parts = [part for body in bodies for part in ExportTraceServiceRequest.FromString(body).resource_spans]
    return [span for part in parts for scope in part.scope_spans for span in scope.spans]


def read_metrics(collector: Receiver) -> dict[str, Metric]:
    """Return the newest export of each metric."""
    bodies = [one.body for one in collector.received if one.path == "/v1/metrics"]
    exports = [ExportMetricsServiceRequest.FromString(body) for body in bodies]
    parts = [of for export in exports for part in export.resource_metrics for of in part.scope_metrics]
    return {metric.name: metric for part in parts for metric in part.metrics}


def read_attributes(span: Span) -> dict[str, Any]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value") or "") for one in span.attributes}


def test_spans_continue_the_trace_of_the_caller_and_metrics_have_the_names_of_prometheus(
    database_url: str, tmp_path: Path
) -> None:
    with receiving() as collector:
        endpoint = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url("/")[:-1], "OTEL_EXPORTER_OTLP_HEADERS": "x-team=one"}
        with server_process(tmp_path / "log", database_url, INGEST_AUTH="open", **endpoint, **FAST) as client:
            post_probs(client, "r1", [0.5, 0.6], model="m")
            parent = f"00-{TRACE}-{PARENT}-01"
            found = client.request("GET", "/logs/r1", None, x_api_key=ADMIN_KEY, traceparent=parent)
            assert found.status == 200
            not_sampled = f"00-{'1' * 32}-{PARENT}-00"
            assert client.request("GET", "/livez", None, traceparent=not_sampled).status == 200
            assert send(client, "GET", "/logs?q=secret", ADMIN_KEY).status == 200
            assert send(client, "GET", "/logs/nobody", ADMIN_KEY).status == 404
            wait_until(lambda: len(read_spans(collector)) >= 4)
            wait_until(lambda: "thunder_recent_requests" in read_metrics(collector))
        spans = {span.name: span for span in read_spans(collector)}
        metrics = read_metrics(collector)
        assert {one.headers["x-team"] for one in collector.received} == {"one"}
        sent = b"".join(one.body for one in collector.received)
    child = next(span for span in read_spans(collector) if span.trace_id.hex() == TRACE)
    assert (child.parent_span_id.hex(), child.kind, child.name) == (
        PARENT,
        Span.SPAN_KIND_SERVER,
        "GET /logs/{request_id}",
    )
    attributes = read_attributes(child)
    assert (attributes["http.route"], attributes["http.response.status_code"]) == ("/logs/{request_id}", 200)
    assert attributes["http.request.id"] == found.headers["X-Request-ID"]
    assert child.status.code == Status.STATUS_CODE_UNSET
    assert not any(span.trace_id.hex() == "1" * 32 for span in read_spans(collector)), "the caller did not sample it"
    assert len(spans["POST /v1/ingest"].trace_id) == 16
    (point,) = metrics["thunder_ingest_traces"].sum.data_points
    assert (point.as_double, metrics["thunder_ingest_traces"].sum.is_monotonic) == (1, True)
    (models,) = metrics["thunder_recent_requests"].gauge.data_points
    assert (models.as_double, models.attributes[0].value.string_value) == (1, "m")
    times = {
        one.attributes[0].value.string_value: one
        for one in metrics["thunder_http_request_seconds"].histogram.data_points
    }
    assert times["/logs/{request_id}"].count == 2
    assert metrics["process_resident_memory_bytes"].gauge.data_points[0].as_double > 0
    for hidden in (b"secret", ADMIN_KEY.encode(), b"/logs/r1"):
        assert hidden not in sent


def test_an_unreachable_collector_delays_nothing(database_url: str, tmp_path: Path) -> None:
    endpoint = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}
    with server_process(tmp_path / "log", database_url, INGEST_AUTH="open", **endpoint, **FAST) as client:
        post_probs(client, "r1", [0.5])
        assert send(client, "GET", "/logs/r1", ADMIN_KEY).status == 200
    assert "Traceback" not in (tmp_path / "log").read_text()


def test_an_invalid_variable_prevents_the_export_and_not_the_start(database_url: str, tmp_path: Path) -> None:
    endpoint = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_METRIC_EXPORT_INTERVAL": "0"}
    with server_process(tmp_path / "log", database_url, **endpoint, OTEL_EXPORTER_OTLP_PROTOCOL="grpc") as client:
        assert client.get("/livez").status == 200
    log = (tmp_path / "log").read_text()
    assert "OTEL_…: nothing is exported, because a variable is invalid (interval value" in log
    assert "OTEL_EXPORTER_OTLP_PROTOCOL: gRPC is not supported" in log
    assert "Traceback" not in log


def test_variables_choose_the_signals_and_their_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    with receiving() as collector:
        monkeypatch.setenv("OTEL_TRACES_EXPORTER", "none")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", collector.url("/elsewhere"))
        settings = Settings(otel_exporter_otlp_endpoint=collector.url("/base/"))
        telemetry = Telemetry(settings, Metrics())
        telemetry.note_answer(telemetry.start_span("one", []), "GET", "/logs", 200, 0.1)
        asyncio.run(telemetry.close())
        assert {one.path for one in collector.received} == {"/elsewhere"}


def test_an_idle_process_reports_only_the_age_of_the_newest_trace(
    client: Client, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its figures of the last hour would no longer be those of the last hour."""
    post_probs(client, "r1", [0.5], model="m")
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setattr(measuring, "INTERVAL_S", 0.05)

    async def watch() -> None:
        app = api.web()
        async with open_context(app):
            telemetry: Telemetry = app.state.context.telemetry
            assert next(iter(telemetry.figures.collect())).samples == []
            telemetry.answers += 1
            await asyncio.to_thread(wait_until, lambda: telemetry.figures.models != ())
            assert telemetry.figures.is_readable
            monkeypatch.setattr(measuring, "KEPT_S", 0)
            newest = telemetry.figures.newest
            await asyncio.to_thread(wait_until, lambda: telemetry.figures.models == ())
            assert newest is not None
            assert telemetry.figures == Figures(newest=newest)

    asyncio.run(watch())


def test_without_a_collector_nothing_is_imported() -> None:
    code = """
import asyncio, sys
from functions import api
from functions.web.lifespan import open_context

async def run():
    app = api.web()
    async with open_context(app):
        app.state.context.metrics.note_answer("GET", "/logs", 200, 0.1)
        assert app.state.context.telemetry is None

asyncio.run(run())
print([name for name in sys.modules if name.startswith(("opentelemetry.sdk", "opentelemetry.exporter", "requests"))])
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
