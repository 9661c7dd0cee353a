"""The spool of the recorder: answers wait in it while Thunder is not reachable."""

import os
import signal
import socket
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
import urllib3

from tests.support.bystanders import run_server
from tests.support.client import Client
from tests.support.environment import ROOT
from tests.support.http_server import serve
from tests.support.keys import ADMIN_KEY
from tests.support.model_server import ModelServer
from tests.support.recorders import MESSAGES, await_rows, open_client, thunder_recorder

CALLS = ROOT / "tests" / "support" / "recorder_calls.py"


def find_free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def run_python(text: str) -> "subprocess.Popen[bytes]":
    """Run a program that has the recorder as `recorder`."""
    start = (
        f"import sys; sys.path.insert(0, {str(ROOT / 'docs' / 'recorder')!r}); import thunder_recorder as recorder\n"
    )
    return subprocess.Popen([sys.executable, "-c", start + text])


def test_items_wait_while_thunder_is_away_and_two_processes_post_each_once(
    client: Client, model: ModelServer, tmp_path: Path
) -> None:
    away = f"http://127.0.0.1:{find_free_port()}"
    command = [sys.executable, str(CALLS), model.url, away, str(tmp_path), "20"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    longest, exit_s = map(float, done.stdout.split())
    assert longest < 2, "a call waited for Thunder"
    assert exit_s < 30, "the exit takes at most five seconds"
    assert len(list(tmp_path.iterdir())) == 20
    post = f"recorder.Poster({client.url!r}, spool={str(tmp_path)!r}).put({{'response': {{'tokens': []}}}})"
    both = [run_python(post) for _ in range(2)]
    assert [one.wait(120) for one in both] == [0, 0]
    rows = await_rows(client, 22)
    assert [row["request_id"] for row in rows if client.log(row["request_id"])["revision"] != 1] == []
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_accepts_and_never_answers_delays_nothing(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        poster = thunder_recorder.Poster(f"http://127.0.0.1:{silent.getsockname()[1]}", spool=tmp_path)
        began = time.monotonic()
        for _ in range(3):
            poster.put({"response": {"tokens": []}})
        assert time.monotonic() - began < 2
        poster.close()
        assert time.monotonic() - began < 30
    assert len(list(tmp_path.glob("*.json"))) == 3


def test_a_full_spool_drops_the_oldest(tmp_path: Path) -> None:
    spool = thunder_recorder.Spool(tmp_path, limit=2500)
    for index in range(5):
        spool.put(bytes([index]) * 1000)
    assert [path.read_bytes()[0] for path in spool.list()] == [3, 4]


def test_an_item_of_a_dead_process_is_taken_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spool = thunder_recorder.Spool(tmp_path)
    spool.put(b"{}")
    assert spool.claim(spool.list()[0])
    assert spool.list() == []
    monkeypatch.setattr(thunder_recorder, "STALE_S", -1.0)
    spool.recover()
    assert [path.read_bytes() for path in spool.list()] == [b"{}"]


def test_a_killed_thunder_loses_nothing_and_delays_nothing(
    model: ModelServer, database_url: str, tmp_path: Path
) -> None:
    url = f"http://127.0.0.1:{(port := find_free_port())}"
    openai = open_client(model, url, tmp_path / "spool")
    settings = {"APP_PORT": str(port), "INGEST_AUTH": "open"}
    waits: list[float] = []

    def call() -> None:
        began = time.monotonic()
        openai.chat.completions.create(model="m", messages=MESSAGES)
        waits.append(time.monotonic() - began)

    with run_server(tmp_path, database_url, **settings) as server:
        client = Client(urllib3.PoolManager(retries=False, timeout=60), url, ADMIN_KEY)
        call()
        await_rows(client, 1)
        for pid in server.list_processes():
            os.kill(pid, signal.SIGKILL)
        for _ in range(5):
            call()
    with run_server(tmp_path, database_url, **settings):
        call()
        assert len(await_rows(client, 7)) == 7
    client.pool.clear()
    assert max(waits) < 2


ENDS = {
    "a stream that nobody read to its end": """
call = recorder._Call(poster, "chat", {}, hides=False)
stream = recorder._watch_sync(call, iter([Chunk(), Chunk()]))
next(stream)
""",
    "a process of multiprocessing": """
poster.put({"response": []})
def run():
    poster.put({"response": []})
child = multiprocessing.get_context("fork").Process(target=run)
child.start()
child.join()
""",
}


@pytest.mark.parametrize("end", ENDS)
def test_items_outlive_the_end_of_a_process(tmp_path: Path, end: str) -> None:
    """Python starts no thread at its end, and ends processes of multiprocessing without the handlers of atexit."""
    start = f"""
import multiprocessing
class Chunk:
    def to_dict(self, **options):
        return {{"choices": []}}
recorder.DRAIN_S = 0.5
poster = recorder.Poster("http://127.0.0.1:{find_free_port()}", spool={str(tmp_path)!r})
"""
    assert run_python(start + ENDS[end]).wait(120) == 0
    assert len(list(tmp_path.glob("*.json"))) == 1 + ("multiprocessing" in end)


def test_answers_are_posted_without_a_usable_spool(client: Client, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    poster = thunder_recorder.Poster(client.url, spool=file / "spool")
    poster.put({"request_id": "a", "request": {}, "response": {"tokens": []}})
    assert await_rows(client, 1)[0]["request_id"] == "a"
    poster.close()


def test_an_item_that_thunder_fails_to_store_does_not_block_the_others(tmp_path: Path) -> None:
    posted: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            posted.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(500 if posted[-1] == b'"bad"' else 201)
            self.end_headers()

    with serve(Handler) as port:
        poster = thunder_recorder.Poster(f"http://127.0.0.1:{port}", spool=tmp_path)
        for item in ("bad", "good"):
            poster.put(item)
        poster.close()
    assert posted == [b'"bad"', b'"good"']
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b'"bad"']
