"""`make demo`, and the quality of the scores on its traces as docs/CONFIDENCE.md prints it."""

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.local.lock import find_served_url
from tests.support.client import Client
from tests.support.databases import Databases
from tests.support.environment import ROOT
from tests.support.keys import ADMIN_KEY, SECRET
from tests.support.labelled import STORED_SCORES
from tests.support.pgbouncer import find_free_port
from tests.support.running import running
from tests.support.servers import server_thread

TRACES = 1386
CONFIDENCE = (ROOT / "docs" / "CONFIDENCE.md").read_text(encoding="utf-8")


def run_demo(*options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", "demo", *options],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


@pytest.fixture(scope="module")
def demonstrated(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A server whose traces the command has posted to a server that it started for this purpose."""
    url, port = databases.create("demo"), find_free_port()
    done = run_demo(
        DATABASE_URL=url,
        APP_PORT=str(port),
        THUNDER_DATA_DIR=str(tmp_path_factory.mktemp("demo") / "data"),
        THUNDER_ADMIN_KEY=ADMIN_KEY,
        THUNDER_SECRET=SECRET,
    )
    assert done.returncode == 0, done.stderr
    assert f"{TRACES} traces posted." in done.stdout
    assert "Start the server with: make run" in done.stdout
    assert f"{TRACES}/{TRACES}" in done.stderr  # the progress bar
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port)).close()
    with server_thread(url, THUNDER_SECRET=SECRET) as client:
        yield client
    databases.drop("demo")


def test_the_demo_starts_a_server_if_none_runs_and_fills_every_statistic(demonstrated: Client) -> None:
    groups = demonstrated.get("/v1/confidence/summary?group_by=day").json["groups"]
    assert sum(group["n"] for group in groups) == TRACES
    assert 7 <= len(groups) <= 8
    assert demonstrated.get("/v1/mods").json["mods"]
    half = datetime.now(UTC).timestamp() - 3.5 * 86_400
    drift = demonstrated.get(f"/v1/confidence/drift?baseline_to={half}&from={half}").json
    assert drift["baseline"]["n"] > 50
    assert drift["current"]["n"] > 50


def test_the_documentation_prints_the_measured_quality_of_the_scores(demonstrated: Client) -> None:
    printed = dict(re.findall(r"^\| `(\w+)` \| (.+ \| .+ \| .+) \| \d\.\d{3} \|$", CONFIDENCE, re.MULTILINE))
    assert printed.keys() == {score.value for score in STORED_SCORES}
    for score in STORED_SCORES:
        query = f"?score={score}"
        calibration = demonstrated.get(f"/v1/confidence/calibration{query}").json
        ratio = demonstrated.get(f"/v1/confidence/risk-coverage{query}").json["prr"]
        intervals = calibration["intervals"]
        measured = " | ".join(map(write_interval, (intervals["auroc"], ratio, intervals["ece"])))
        assert (calibration["n"], printed[score]) == (1075, measured)


def write_interval(one: dict[str, float] | None) -> str:
    return "-" if one is None else f"{one['value']:.3f} ({one['lo']:.3f}\N{EN DASH}{one['hi']:.3f})"


def test_the_documentation_prints_what_can_be_certified(demonstrated: Client) -> None:
    cell = r"\| ((?:no, )?[0-9.]+ %) "
    rows = {row[0]: row[1:] for row in re.findall(rf"^\| `(\w+)` {cell * 4}\|$", CONFIDENCE, re.MULTILINE)}
    assert rows.keys() == {score.value for score in STORED_SCORES}
    for score, printed in rows.items():
        for target, text in zip((0.2, 0.3, 0.4, 0.5), printed, strict=True):
            found = demonstrated.get(f"/v1/confidence/threshold?score={score}&target_error={target}").json
            share = found["coverage"] if found["certified"] else found["bound"]
            assert text == ("" if found["certified"] else "no, ") + f"{100 * share:.1f} %"


def test_the_demo_finds_the_running_server_and_reports_its_error(tmp_path: Path) -> None:
    with running(tmp_path) as run:
        url = run.url
        assert find_served_url(tmp_path / ".thunder") == url, "its port is not APP_PORT"
        done = run_demo("--url", url, THUNDER_ADMIN_KEY="wrong")
        assert (done.returncode, "Traceback" in done.stderr) == (1, False)
        assert "answered 401" in done.stderr
    assert find_served_url(tmp_path / ".thunder") is None
    assert find_served_url(tmp_path / "nowhere") is None
