"""`make demo`."""

import socket
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.local.lock import find_served_url
from core.statistics.scores import Score
from core.statistics.selective import measure_risk
from functions.client import demo
from tests.support.command import run_command
from tests.support.databases import Databases
from tests.support.keys import ADMIN_KEY, SECRET
from tests.support.labelled import list_rows, load_independent, load_labelled
from tests.support.pgbouncer import find_free_port
from tests.support.running import running
from tests.support.servers import server_thread

TRACES, POSTED = 1386, 200


def test_the_demo_starts_a_server_if_none_runs_and_fills_every_statistic(
    databases: Databases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the first traces only. tests/decisions/test_labelled.py measures all of them."""
    reads = demo.list_reads()
    assert len(reads) == TRACES
    monkeypatch.setattr(demo, "list_reads", lambda: reads[:POSTED])
    url, port = databases.create("demo"), find_free_port()
    settings = {"APP_PORT": str(port), "THUNDER_DATA_DIR": str(tmp_path / "data"), "THUNDER_ADMIN_KEY": ADMIN_KEY}
    done = run_command("demo", on=url, **settings)
    assert done.exit_code == 0, done.stderr
    assert f"{POSTED} traces posted." in done.stdout
    assert "Start the server with: make run" in done.stdout
    assert f"{POSTED}/{POSTED}" in done.stderr  # the progress bar
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port)).close()
    with server_thread(url, THUNDER_SECRET=SECRET) as client:
        groups = client.get("/v1/confidence/summary?group_by=day").json["groups"]
        assert sum(group["n"] for group in groups) == POSTED
        assert 7 <= len(groups) <= 8
        assert client.get("/v1/mods").json["mods"]
        half = datetime.now(UTC).timestamp() - 3.5 * 86_400
        drift = client.get(f"/v1/confidence/drift?baseline_to={half}&from={half}").json
        assert min(drift["baseline"]["n"], drift["current"]["n"]) > 50
        labelled = load_labelled()[: sum(read()[1] is not None for read in reads[:POSTED])]
        risk = measure_risk(Score.SEQUENCE_CONFIDENCE, list_rows(load_independent(labelled)))
        assert client.get("/v1/confidence/risk-coverage").json == risk.model_dump(mode="json")
    databases.drop("demo")


def test_the_demo_finds_the_running_server_and_reports_its_error(tmp_path: Path) -> None:
    with running(tmp_path) as run:
        url = run.url
        assert find_served_url(tmp_path / ".thunder") == url, "its port is not APP_PORT"
        done = run_command("demo", "--url", url, THUNDER_ADMIN_KEY="wrong")
        assert (done.exit_code, "Traceback" in done.stderr) == (1, False)
        assert "answered 401" in done.stderr
    assert find_served_url(tmp_path / ".thunder") is None
    assert find_served_url(tmp_path / "nowhere") is None
