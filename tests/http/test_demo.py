"""`make demo`, and what docs/CONFIDENCE.md says the scores are worth on what it posts."""

import os
import re
import socket
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.local.postgres import EmbeddedPostgres
from core.statistics.scores import Score
from functions.client.connection import Connection
from functions.client.demo import post_demo
from tests.support.client import Client
from tests.support.environment import ROOT

TRACES = 211


@pytest.fixture
def demonstrated(client: Client) -> Client:
    assert post_demo(Connection(client.url, client.key), now=datetime.now(UTC)) == TRACES
    return client


def test_the_demo_fills_every_statistic(demonstrated: Client) -> None:
    groups = demonstrated.get("/v1/confidence/summary?group_by=day").json["groups"]
    assert sum(group["n"] for group in groups) == TRACES
    assert 7 <= len(groups) <= 8
    assert demonstrated.get("/v1/mods").json["mods"]
    half = datetime.now(UTC).timestamp() - 3.5 * 86_400
    drift = demonstrated.get(f"/v1/confidence/drift?baseline_to={half}&from={half}").json
    assert drift["baseline"]["n"] > 50
    assert drift["current"]["n"] > 50


def test_the_scores_are_worth_what_the_documentation_prints(demonstrated: Client) -> None:
    page = (ROOT / "docs" / "CONFIDENCE.md").read_text()
    printed = dict(re.findall(r"^\| `(\w+)` \| (\d\.\d{3} \| (?:\d\.\d{3}|-) \| \d+) \|$", page, re.MULTILINE))
    measured = {}
    for score in Score:
        answer = demonstrated.get(f"/v1/confidence/calibration?score={score}").json
        ece = "-" if answer["ece"] is None else f"{answer['ece']:.3f}"
        measured[score.value] = f"{answer['auroc']:.3f} | {ece} | {answer['n']}"
    assert printed == measured


def test_the_demo_uses_the_server_that_is_running(client: Client) -> None:
    environment = {**os.environ, "THUNDER_ADMIN_KEY": client.key}
    done = subprocess.run(
        [sys.executable, "manage.py", "demo", "--url", client.url],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert f"{TRACES} traces posted." in done.stdout
    assert "211/211" in done.stderr  # the progress bar
    assert client.get("/logs?limit=1").json["returned"] == 1


def test_a_demo_that_is_refused_says_so(client: Client) -> None:
    environment = {**os.environ, "THUNDER_ADMIN_KEY": "wrong"}
    done = subprocess.run(
        [sys.executable, "manage.py", "demo", "--url", client.url],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1
    assert "answered 401" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_demo_starts_a_server_where_none_runs(
    tmp_path: Path, postgres: EmbeddedPostgres, database_url: str
) -> None:
    del postgres
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = {
        **os.environ,
        "DATABASE_URL": database_url,
        "APP_PORT": str(port),
        "THUNDER_DATA_DIR": str(tmp_path / "data"),
        "THUNDER_ADMIN_KEY": "ck_demo",
    }
    done = subprocess.run(
        [sys.executable, "manage.py", "demo"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Start the server with: make run" in done.stdout
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port)).close()
