"""docs/ALERTS.md: its receiver accepts genuine webhooks, handles each once and refuses others; its numbers."""

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import urllib3

from core.alerts import alert, deliver, evaluate, prompt, rules, worker
from core.alerts.payload import write_headers
from core.traces import ingest
from tests.support.environment import ROOT

TEXT = (ROOT / "docs" / "ALERTS.md").read_text(encoding="utf-8")
(RECEIVER,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
BODY = b'{"type": "alert.test", "data": {"value": 0.1, "link": "/overview"}}'
KEY = b"k" * 32
START_S = 20


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """The receiver of the document in a process of its own: its URL, and the file with its output."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    output = tmp_path / "output"
    environment = {**os.environ, "SECRET": "whsec_" + "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=", "PORT": str(port)}
    with output.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-c", RECEIVER], env=environment, stdout=file, stderr=subprocess.DEVNULL
        )
        try:
            deadline = time.monotonic() + START_S
            while True:
                try:
                    socket.create_connection(("127.0.0.1", port)).close()
                    break
                except ConnectionRefusedError:
                    assert time.monotonic() < deadline, "the receiver did not start"
                    time.sleep(0.05)
            yield f"http://127.0.0.1:{port}/", output
        finally:
            process.kill()
            process.wait()


def test_the_receiver_handles_a_genuine_webhook_once(receiver: tuple[str, Path]) -> None:
    url, output = receiver
    now = int(time.time())
    genuine = write_headers("evt_1", BODY, secrets=[b"previous" * 4, KEY], seconds=now)
    old = write_headers("evt_2", BODY, secrets=[KEY], seconds=now - 600)
    forged = write_headers("evt_3", BODY, secrets=[b"x" * 32], seconds=now)
    with urllib3.PoolManager(retries=False, timeout=10) as pool:
        answers = [pool.request("POST", url, body=BODY, headers=one).status for one in (genuine, genuine, old, forged)]
    assert answers == [204, 204, 401, 401]
    assert output.read_text() == "alert.test 0.1 /overview\n"


def spaced(number: int) -> str:
    return f"{number:,}".replace(",", " ")


@pytest.mark.parametrize(
    "sentence",
    [
        f"{deliver.FIRST_DELAY_S} s, {deliver.FIRST_DELAY_S * deliver.FACTOR} s, 80 s",
        f"most {worker.AT_ONCE} deliveries at a time, {worker.PER_OWNER} for one owner and {worker.PER_ALERT} for one",
        f"deleted after {worker.KEPT_DAYS} days",
        f"every {worker.INTERVAL_S:.0f} seconds by `make run`",
        f"at most {alert.MAX_ALERTS} alerts",
        f"the first {spaced(prompt.MAX_PROMPT_CHARACTERS)} characters",
        f"most {spaced(ingest.MAX_WAITING_EVENTS)} waiting events",
        f"need at least {evaluate.MIN_REQUESTS} of them",
        f"60 to {spaced(rules.MAX_WINDOW_S)} (30 days), by default {rules.DEFAULT_WINDOW_S}",
    ],
)
def test_numbers_are_those_of_the_code(sentence: str) -> None:
    assert sentence in " ".join(TEXT.split())
