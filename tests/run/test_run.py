"""`manage.py run` with real processes, signals and sockets, and the commands that it prints."""

import json
import os
import re
import shlex
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import urllib3

from core.access.access import OPEN_INGEST_WARNING
from core.cli.banner import write_banner, write_url
from core.local.cluster import ALIVE_FILE, runs_postgres, take_lock
from tests.support.alerts import create
from tests.support.client import Client
from tests.support.environment import ROOT
from tests.support.page import Page
from tests.support.posts import post_probs
from tests.support.receiver import receiving
from tests.support.running import WAIT_SECONDS, Running, find, list_workers, read_command, running

SLOWLY_REPLACED = f"""
import runpy
from functions.web import serve

serve.HANGING_SECONDS, serve.ENDING_SECONDS = {10 * WAIT_SECONDS}, 1
runpy.run_path({str(ROOT / "manage.py")!r}, run_name="__main__")
"""
"""Starts Thunder, which waits longer than the tests until it replaces a silent process."""


INTERRUPTED_FINALIZER = """
import signal, time
from core.local.signals import stopped_by_signals

class Finalized:
    def __del__(self):
        signal.raise_signal(signal.SIGTERM)

with stopped_by_signals():
    Finalized()
    time.sleep(600)
print("stopped")
"""
"""Python drops exceptions in a finalizer, also the KeyboardInterrupt of a signal."""


@pytest.fixture
def directory() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="run-", ignore_cleanup_errors=True) as path:
        yield Path(path)


@pytest.fixture(scope="module")
def shared_run() -> Iterator[Running]:
    """A run for tests that don't stop it."""
    with (
        tempfile.TemporaryDirectory(prefix="run-", ignore_cleanup_errors=True) as path,
        running(Path(path), WEBHOOK_ALLOW="127.0.0.0/8") as run,
    ):
        yield run


@pytest.mark.skipif(shutil.which("curl") is None, reason="what it prints are curl commands")
def test_the_printed_commands_post_the_sample_and_read_it(shared_run: Running) -> None:
    posted = subprocess.run(shared_run.command("/v1/ingest"), cwd=ROOT, capture_output=True, check=True, timeout=60)
    assert json.loads(posted.stdout)["request_id"] == "smollm2-force-prefix"
    read = subprocess.run(shared_run.command("/logs/"), cwd=ROOT, capture_output=True, check=True, timeout=60)
    assert "steps" in json.loads(read.stdout)


def test_webhooks_link_to_its_own_address_and_previews_to_the_requested_host(shared_run: Running) -> None:
    run = shared_run
    with receiving() as receiver, urllib3.PoolManager() as pool:
        client = Client(pool, run.url, run.key)
        create(client, receiver.url(), run.key)
        post_probs(client, "unsure", [0.25])
        (received,) = receiver.wait()
        assert json.loads(received.body)["data"]["link"] == f"{run.url}/view/unsure"
        answer = client.request(
            "GET", "/playground", None, user_agent="Slackbot", host="up.example", x_forwarded_proto="https"
        )
        page = Page(answer.data.decode())
        assert page.meta["og:url"] == "https://up.example/playground"
        assert page.meta["og:image"] == "https://up.example/playground/og-image.png"


def test_each_signal_ends_it_cleanly_and_the_next_start_finds_its_data(directory: Path) -> None:
    key = ""
    for number, workers in ((None, "2"), (signal.SIGINT, "1"), (signal.SIGTERM, "2"), (signal.SIGHUP, "1")):
        with running(directory, APP_WORKERS=workers) as run:
            assert key in {"", run.key}
            assert run.read_sample() == (200 if key else 404)
            key, postmaster = run.key, run.postmaster
            assert run.post_sample() == 201
            if number is None:  # Ctrl-C on a terminal reaches all processes
                os.killpg(run.process.pid, signal.SIGINT)
            else:
                run.process.send_signal(number)
            assert run.wait() == 0
            assert not runs_postgres(postmaster)
            check_lines(run.end(), is_new=number is None)
    with running(directory) as run:
        assert run.key == key
        assert run.read_sample() == 200


def check_lines(printed: str, *, is_new: bool) -> None:
    """Check that one or two processes printed a few lines of Thunder's, and each warning once."""
    first, *lines, last = printed.splitlines()
    assert (first, last) == ("Starting Thunder …", "Thunder has stopped.")
    if is_new:
        assert lines.pop(0).startswith("migrated: 0001_")
    messages = [record["message"] for record in map(json.loads, lines) if record["logger"] != "functions.http"]
    assert messages == [OPEN_INGEST_WARNING]


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "the condition was not reached"
        time.sleep(0.05)


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="the processes are counted in Linux's /proc")
def test_it_serves_from_several_processes_replaces_dead_ones_and_stops_all(directory: Path) -> None:
    with running(directory, APP_WORKERS="3") as run:
        run.wait_for_banner()
        workers = list_workers(run.process.pid)
        assert len(workers) == 3
        assert [run.post_sample() for _ in range(6)] == [201] * 6
        assert run.follow_link() == [200] * 6
        dead = min(workers)
        os.kill(dead, signal.SIGKILL)
        wait_until(lambda: len(list_workers(run.process.pid) - {dead}) == 3)
        assert run.read_sample() == 200
        workers = list_workers(run.process.pid)
        run.process.kill()
        wait_until(lambda: not any("spawn_main" in read_command(worker) for worker in workers))


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="the processes are counted in Linux's /proc")
def test_ctrl_c_at_the_start_of_its_processes_prints_no_traceback(directory: Path, new_database_url: str) -> None:
    """A terminal sends the signal to all processes, also to those that are still importing modules."""
    with running(directory, APP_WORKERS="2", DATABASE_URL=new_database_url) as run:
        wait_until(lambda: len(list_workers(run.process.pid)) == 2)
        os.killpg(run.process.pid, signal.SIGINT)
        assert run.wait() == 0
        assert "Traceback" not in run.end()


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="the loaded libraries are listed in Linux's /proc")
def test_ctrl_c_before_the_start_prints_nothing(directory: Path) -> None:
    """The signal arrives while modules are imported, or after that."""
    run = Running(directory, {})
    wait_until(lambda: "pydantic_core" in Path(f"/proc/{run.process.pid}/maps").read_text())
    run.process.send_signal(signal.SIGINT)
    # As long as there is nothing to close, the signal itself ends the process.
    assert run.wait() in {0, -signal.SIGINT}
    assert set(run.end().splitlines()) <= {"Starting Thunder …", "Thunder has stopped."}


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="the processes are listed in Linux's /proc")
def test_a_signal_is_handled_while_a_process_is_silent(directory: Path, new_database_url: str) -> None:
    """The silent process is killed, after a second in this test."""
    settings = {"APP_WORKERS": "2", "DATABASE_URL": new_database_url, "PYTHONPATH": str(ROOT)}
    with running(directory, SLOWLY_REPLACED, **settings) as run:
        run.wait_for_banner()
        silent = min(list_workers(run.process.pid))
        os.kill(silent, signal.SIGSTOP)
        time.sleep(1.5)  # it is asked every 0.5 s whether it works
        run.process.terminate()
        assert run.wait() == 0
        assert read_command(silent) == ""
        assert run.end().splitlines()[-1] == "Thunder has stopped."


def test_a_second_start_names_the_running_one(shared_run: Running) -> None:
    url = shared_run.url
    second = Running(shared_run.directory, {})
    assert second.wait() == 1
    output = second.end()
    assert f"already runs on .thunder at {url} (process {shared_run.process.pid})" in output
    assert "Traceback" not in output
    assert urllib3.request("GET", f"{url}/livez").status == 200


def test_the_key_is_stored_privately(shared_run: Running) -> None:
    shared_run.wait_for_banner()
    kept = shared_run.directory / ".thunder" / "admin-key"
    assert kept.read_text().strip() == shared_run.key
    assert re.fullmatch(r"ck_[0-9a-f]{64}", shared_run.key)
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE(kept.parent.stat().st_mode) == 0o700


def test_data_survives_a_kill(directory: Path) -> None:
    """First of the server alone, then of the server and Postgres."""
    for kills_postgres in (False, True):
        with running(directory, APP_WORKERS="2") as run:
            assert run.read_sample() == (200 if kills_postgres else 404)
            assert run.post_sample() == 201
            postmaster = run.postmaster
            run.process.kill()
            run.wait()
            if kills_postgres:
                os.kill(postmaster, signal.SIGKILL)
    with running(directory) as run:
        assert run.read_sample() == 200
        assert not runs_postgres(postmaster)


def test_a_signal_during_the_start_leaves_no_process(directory: Path) -> None:
    for delay in (0.5, 1.2, 2.0):
        with running(directory, APP_WORKERS="2") as run:
            time.sleep(delay)
            os.killpg(run.process.pid, signal.SIGTERM)
            # Before Python has set its handlers, the signal itself ends the process.
            assert run.wait() in {0, -signal.SIGTERM}
            if (alive := directory / ".thunder" / ALIVE_FILE).exists():
                with alive.open() as file:
                    assert take_lock(file.fileno(), seconds=5), "a process of Postgres is left"
            assert "Traceback" not in run.end()
    with running(directory) as run:
        assert run.post_sample() == 201


def test_a_signal_in_a_finalizer_is_not_lost() -> None:
    command = [sys.executable, "-c", INTERRUPTED_FINALIZER]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=WAIT_SECONDS, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "stopped\n", "")


def test_a_port_in_use_is_one_sentence(directory: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        run = Running(directory, {"APP_PORT": str(port)})
        assert run.wait() == 1
        output = run.end()
    assert f"Error: APP_PORT: cannot serve on 127.0.0.1 port {port} (Address already in use)" in output
    assert "Traceback" not in output


def test_settings_of_the_user_take_precedence(directory: Path) -> None:
    (directory / ".env").write_text("INGEST_AUTH=key\nTHUNDER_ADMIN_KEY=from-the-file\n")
    with running(directory, THUNDER_ADMIN_KEY="it's mine") as run:
        assert "it's mine" in run.wait_for_banner()
        assert not (directory / ".thunder" / "admin-key").exists()
        assert run.post_sample() == 401
        assert "X-API-Key: it's mine" in run.command("/v1/ingest")


@pytest.mark.parametrize(
    ("env", "problem"),
    [
        ({"APP_PORT": "70000"}, "APP_PORT: must be less than or equal to 65535"),
        ({"APP_HOST": "no-such-host.invalid"}, "APP_HOST: no address for no-such-host.invalid"),
        ({"DATABASE_URL": "postgresql://me:hunter2@127.0.0.1:1/mine"}, "mine on 127.0.0.1:1: does not answer"),
        ({"DATABASE_URL": "me hunter2"}, "DATABASE_URL: not valid"),
        (
            {"THUNDER_DATA_DIR": f"{__file__}/data"},
            f"THUNDER_DATA_DIR: cannot use {__file__}/data (Not a directory)",
        ),
    ],
)
def test_an_impossible_setting_is_one_sentence(directory: Path, env: dict[str, str], problem: str) -> None:
    run = Running(directory, env)
    assert run.wait() == 1
    printed = run.end()
    assert problem in printed
    assert "Traceback" not in printed
    assert "hunter2" not in printed


@pytest.mark.parametrize(
    ("host", "url"),
    [("127.0.0.1", "http://127.0.0.1:80"), ("::1", "http://[::1]:80"), ("0.0.0.0", "http://127.0.0.1:80")],
)
def test_the_url_can_be_reached(host: str, url: str) -> None:
    assert write_url(host, 80) == url


def test_the_banner_contains_the_key_where_ingest_requires_it() -> None:
    post = r"(?m)^ +(curl .*/v1/ingest.*)$"
    asked = find(post, write_banner("http://[::1]:1", admin_key="k y", ingest_open=False, database="d"))
    assert "X-API-Key: k y" in shlex.split(asked)
    assert "'http://[::1]:1/v1/ingest'" in asked, "without quotes, zsh expands the brackets"
    opened = find(post, write_banner("http://h:1", admin_key="k y", ingest_open=True, database="d"))
    assert "X-API-Key" not in opened


def test_a_python_without_the_packages_says_what_to_run() -> None:
    command = [sys.executable, "-I", "-S", str(ROOT / "manage.py"), "status"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.strip().endswith("Run `make run`, or .venv/bin/python manage.py"), done.stderr
    assert done.stderr.count("\n") == 1
