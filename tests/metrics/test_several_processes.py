"""GET /metrics of several processes on one port: sums that never decrease, also after a process has ended."""

import os
import signal
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
import urllib3
from prometheus_client.parser import text_string_to_metric_families

from tests.support.documents import make_document
from tests.support.keys import ADMIN_KEY, SECRET
from tests.support.receiver import wait_until
from tests.support.running import Running, list_workers, running

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="the test needs Linux's /proc")

Samples = dict[tuple[str, ...], float]
CONNECTIONS = 4
"""DATABASE_POOL_SIZE by default."""


@contextmanager
def two_workers(directory: Path, database_url: str) -> Generator[Running]:
    temporary = directory / "tmp"
    temporary.mkdir()
    settings = {"THUNDER_ADMIN_KEY": ADMIN_KEY, "THUNDER_SECRET": SECRET, "INGEST_AUTH": "open"}
    with running(directory, DATABASE_URL=database_url, APP_WORKERS="2", TMPDIR=str(temporary), **settings) as run:
        run.wait_for_banner()
        yield run


@contextmanager
def stopped(pid: int) -> Generator[None]:
    """Stop a process, so that the other one answers."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def scrape(run: Running) -> tuple[Samples, Samples]:
    """Return the samples that must never decrease, and the gauges."""
    headers = {"X-API-Key": ADMIN_KEY, "Connection": "close"}
    answer = urllib3.request("GET", f"{run.url}/metrics", headers=headers, timeout=20, retries=False)
    assert answer.status == 200, answer.data
    growing: Samples = {}
    gauges: Samples = {}
    for family in text_string_to_metric_families(answer.data.decode()):
        for sample in family.samples:
            name = (sample.name, *(value for _, value in sorted(sample.labels.items())))
            found = gauges if family.type == "gauge" else growing
            assert name not in found, f"{name} is there twice"
            found[name] = sample.value
    return growing, gauges


def post(run: Running, request_id: str) -> None:
    headers = {"Connection": "close", "Content-Type": "application/json"}
    answer = urllib3.request(
        "POST", f"{run.url}/v1/ingest", json=make_document(request_id), headers=headers, timeout=20, retries=False
    )
    assert answer.status == 201, answer.data


def assert_grown(before: Samples, after: Samples) -> None:
    shrunk = {name: (value, after.get(name)) for name, value in before.items() if after.get(name, -1) < value}
    assert not shrunk


def test_scrapes_of_two_processes_never_decrease(new_database_url: str, tmp_path: Path) -> None:
    with two_workers(tmp_path, new_database_url) as run:
        workers = sorted(list_workers(run.process.pid))
        assert len(workers) == 2
        before, _ = scrape(run)
        for number in range(6):
            # The stopped process can't answer, so each of them stores three traces and answers three scrapes.
            with stopped(workers[number % 2]):
                post(run, f"r{number}")
                after, gauges = scrape(run)
            assert_grown(before, after)
            assert after["thunder_ingest_traces_total",] == number + 1
            assert after["thunder_http_requests_total", "POST", "/v1/ingest", "201"] == number + 1
            assert gauges["thunder_recent_requests", ""] == number + 1
            before = after
        assert before["process_cpu_seconds_total",] > 0

        os.kill(workers[0], signal.SIGKILL)
        wait_until(lambda: len(list_workers(run.process.pid) - {workers[0]}) == 2, seconds=60)
        wait_until(lambda: scrape(run)[1]["thunder_pool_connections", "most"] == 2 * CONNECTIONS, seconds=60)
        after, gauges = scrape(run)
        assert_grown(before, after)
        assert after["thunder_ingest_traces_total",] == 6
        assert gauges["process_resident_memory_bytes",] < 2 * 500 * 1024**2
        assert len(list((tmp_path / "tmp").glob("thunder-metrics-*"))) == 1
    assert not list((tmp_path / "tmp").glob("thunder-metrics-*")), "the directory is removed at the end"


def test_a_single_process_needs_no_directory(new_database_url: str, tmp_path: Path) -> None:
    with running(tmp_path, DATABASE_URL=new_database_url, THUNDER_ADMIN_KEY=ADMIN_KEY) as run:
        run.wait_for_banner()
        environment = Path(f"/proc/{run.process.pid}/environ").read_text()
        assert "PROMETHEUS_MULTIPROC_DIR" not in environment
        growing, _ = scrape(run)
        assert_grown(growing, scrape(run)[0])
