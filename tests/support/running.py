"""`manage.py run` as a process with a pipe, its banner, and the commands that it prints."""

import contextlib
import json
import os
import re
import select
import shlex
import subprocess
import sys
import time
from collections.abc import Generator, Mapping
from pathlib import Path

import urllib3

from core.cli.banner import SAMPLE
from core.local.cluster import read_postmaster_pid
from tests.support.browsers import BrowserOf
from tests.support.client import Client
from tests.support.environment import ROOT, make_environment

LAST_LINE = "Press Ctrl-C to stop."
WAIT_SECONDS = 90


class Running:
    """A started `manage.py run` whose standard output is a pipe, with one server process unless `env` sets others.

    `code` starts it in another way.
    """

    def __init__(self, directory: Path, env: Mapping[str, str], code: str | None = None) -> None:
        self.directory = directory
        self.process = subprocess.Popen(
            [sys.executable, *(["-c", code] if code else [ROOT / "manage.py"]), "run"],
            cwd=directory,
            env=make_environment(**{"APP_PORT": "0", "APP_WORKERS": "1", **env}),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        self.printed = ""

    def wait_for_banner(self) -> str:
        assert self.process.stdout is not None
        deadline = time.monotonic() + WAIT_SECONDS
        poll = select.poll()
        poll.register(self.process.stdout, select.POLLIN)
        while LAST_LINE not in self.printed:
            ready = poll.poll(max(0, deadline - time.monotonic()) * 1000)
            chunk = os.read(self.process.stdout.fileno(), 65536) if ready else b""
            assert chunk, f"no banner: {self.printed}{self.end()}"
            self.printed += chunk.decode()
        return self.printed

    def wait(self) -> int:
        return self.process.wait(WAIT_SECONDS)

    def end(self) -> str:
        """Kill the process if it runs, and return its standard error."""
        self.process.kill()
        return self.process.communicate()[1].decode()

    @property
    def url(self) -> str:
        return find(r"serves on (http://\S+)", self.wait_for_banner())

    @property
    def key(self) -> str:
        return find(r"admin key +(\S+)", self.wait_for_banner())

    def command(self, path: str) -> list[str]:
        return shlex.split(find(rf"(?m)^ +(curl .*{path}.*)$", self.wait_for_banner()))

    def follow_link(self) -> list[int]:
        """Sign in with the printed link, and return the statuses of six reads over new connections."""
        token = find(r"/sign-in#(\S+)", self.wait_for_banner())
        browser, statuses = BrowserOf(), list[int]()
        for method, path, body in [("POST", "/auth/sign-in", {"link": token}), *[("GET", "/auth/keys", None)] * 6]:
            with urllib3.PoolManager() as pool:
                statuses.append(browser.send(Client(pool, self.url, ""), method, path, body).status)
        assert statuses[0] == 200
        return statuses[1:]

    @property
    def postmaster(self) -> int:
        pid = read_postmaster_pid(self.directory / ".thunder" / "postgres")
        assert pid is not None
        return pid

    def post_sample(self) -> int:
        return urllib3.request("POST", f"{self.url}/v1/ingest", body=SAMPLE.read_bytes()).status

    def read_sample(self) -> int:
        request_id = json.loads(SAMPLE.read_bytes())["request"]["request_id"]
        return urllib3.request("GET", f"{self.url}/logs/{request_id}", headers={"X-API-Key": self.key}).status


def list_workers(parent: int) -> set[int]:
    """List the server processes that a process has started, from /proc."""
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    commands = {int(child): read_command(int(child)) for child in children}
    return {child for child, command in commands.items() if "spawn_main" in command}


def read_command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


def find(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    assert found, f"{pattern} is not in: {text}"
    return found[1]


@contextlib.contextmanager
def running(directory: Path, code: str | None = None, **env: str) -> Generator[Running]:
    run = Running(directory, env, code)
    try:
        yield run
    finally:
        if run.process.poll() is None:
            run.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                run.wait()
        run.end()


def post(run: Running) -> int:
    """Post the sample with a long timeout, because a request waits 10 s for a connection."""
    return urllib3.request("POST", f"{run.url}/v1/ingest", body=SAMPLE.read_bytes(), timeout=30).status
