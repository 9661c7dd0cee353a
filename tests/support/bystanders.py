"""A `manage.py run` under attack, its memory use, and the waiting times of other callers."""

import contextlib
import http.client
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from functions.web.heavy import JOB_S
from tests.support.environment import ROOT, make_environment
from tests.support.keys import ADMIN_KEY, SECRET
from tests.support.processes import end

HOST = "127.0.0.1"
MODEL = "read-by-bystanders"
"""The model of the requests that the other callers read. Those of attacks would make their answers large."""
WORKERS = 2
PAUSE_S = 0.05
WATCH_S = 0.25
"""Seconds between two checks of the processes. Each check sees the largest size that a process has had."""
PIECE_BYTES = 1_000_000
ANSWER_S = 4 * JOB_S
"""Time for the answers to several large bodies of one sender, which wait for each other."""
MAX_WAIT_S = 3.0
"""The guarantee is 1 s on an idle machine, which the benchmark measures. Other tests run at the same time."""
MAX_MB = 1000.0


@dataclass
class Target:
    """A server process and its workers, and the direct URL of its database."""

    port: int
    process: subprocess.Popen[bytes]
    log: Path
    database_url: str

    def connect(self, timeout: float = 30, address: str = HOST) -> socket.socket:
        return socket.create_connection((HOST, self.port), timeout, source_address=(address, 0))

    def post(self, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes, dict[str, str]]:
        """Send a request on a new connection. The answer's headers have lower-case names."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=ANSWER_S)
        try:
            connection.request("POST", path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read(), {name.lower(): value for name, value in answer.getheaders()}
        finally:
            connection.close()

    def get(self, path: str, headers: dict[str, str]) -> tuple[int, int]:
        """Send a request on a new connection, and return the status and the size of the answer, which is not kept."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=60)
        try:
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            return answer.status, sum(map(len, iter(lambda: answer.read(PIECE_BYTES), b"")))
        finally:
            connection.close()

    def list_processes(self) -> list[int]:
        """List the server's process and its descendants."""
        return _list_processes(self.process.pid)

    def read_peak_mb(self) -> float:
        """Return the peak memory (VmHWM) in MB of the largest process, without Postgres."""
        return max(_read_peak_mb(pid) for pid in self.list_processes())

    def find_worker(self, connection: socket.socket) -> int | None:
        """Return the process that serves a connection."""
        return next(iter(self.find_workers([connection])), None)

    def find_workers(self, connections: Sequence[socket.socket]) -> list[int]:
        """Return the process that serves each connection, without the connections that are closed."""
        ports = {f"{one.getsockname()[1]:04X}" for one in connections}
        rows = [line.split(maxsplit=10) for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]]
        served = {f"socket:[{row[9]}]" for row in rows if row[2].rpartition(":")[2] in ports}
        found: list[int] = []
        for pid in self.list_processes():
            with contextlib.suppress(OSError):
                found += [pid for one in Path(f"/proc/{pid}/fd").iterdir() if str(one.readlink()) in served]
        return found


@dataclass
class Others:
    """Callers with a keep-alive connection to each worker.

    Attributes:
        address: the callers' address, which is one of this machine.
        pause_s: the pause between two requests of a connection.
    """

    server: Target
    address: str = HOST
    pause_s: float = PAUSE_S
    waits: list[float] = field(default_factory=list)
    peak_mb: float = 0.0
    failures: list[str] = field(default_factory=list)

    @contextlib.contextmanager
    def calling(self) -> Generator[None]:
        """Send requests one after the other until the end of the block."""
        done = threading.Event()
        connections = _connect_to_each(self.server, self.address)
        threads = [threading.Thread(target=self._call, args=[one, done]) for one in connections]
        threads.append(threading.Thread(target=self._watch, args=[done]))
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            done.set()
            for thread in threads:
                thread.join()

    def _watch(self, done: threading.Event) -> None:
        """Check all processes while the others call, because a process that does heavy work may be replaced."""
        while not done.wait(WATCH_S):
            self.peak_mb = max(self.peak_mb, self.server.read_peak_mb())

    def _call(self, connection: http.client.HTTPConnection, done: threading.Event) -> None:
        try:
            while True:
                began = time.monotonic()
                connection.request("GET", f"/logs?model={MODEL}", headers={"X-API-Key": ADMIN_KEY})
                answer = connection.getresponse()
                answer.read()
                self.waits.append(time.monotonic() - began)
                if answer.status != 200:
                    self.failures.append(f"{answer.status} {answer.reason}")
                if done.wait(self.pause_s):
                    break
        except (OSError, http.client.HTTPException) as error:
            self.failures.append(repr(error))
        finally:
            connection.close()


def attack_together(others: Others, attack: Callable[[], object], count: int) -> None:
    """Run an attack in several threads at once while the others call."""
    with others.calling(), ThreadPoolExecutor(count) as threads:
        for running in [threads.submit(attack) for _ in range(count)]:
            running.result()


def assert_bounded(server: Target, others: Others) -> None:
    """Assert that no process exceeds 1 GB, and that all other callers are answered within a second."""
    assert not others.failures
    assert others.waits
    assert max(others.waits) < MAX_WAIT_S, sorted(others.waits)[-9:]
    assert max(others.peak_mb, server.read_peak_mb()) < MAX_MB


@contextlib.contextmanager
def run_server(directory: Path, database_url: str, **settings: str) -> Generator[Target]:
    """Start `manage.py run` with these settings and no others, and stop it after the block."""
    own = {"APP_PORT": "0", "APP_WORKERS": str(WORKERS), "LOG_LEVEL": "error", "THUNDER_DATA_DIR": str(directory)}
    keys = {"DATABASE_URL": database_url, "THUNDER_ADMIN_KEY": ADMIN_KEY, "THUNDER_SECRET": SECRET}
    with (
        (directory / "server.log").open("wb") as log,
        subprocess.Popen(
            [sys.executable, str(ROOT / "manage.py"), "run"],
            cwd=directory,
            env=make_environment(**{**own, **keys, **settings, "PYTHONUNBUFFERED": "1"}),
            stdout=subprocess.PIPE,
            stderr=log,
        ) as process,
    ):
        try:
            direct = settings.get("DATABASE_URL_DIRECT", database_url)
            yield Target(_await_port(process, directory / "server.log"), process, directory / "server.log", direct)
        finally:
            end(process)


def _await_port(process: subprocess.Popen[bytes], log: Path) -> int:
    assert process.stdout is not None
    while line := process.stdout.readline().decode():
        if found := re.search(rf"http://{HOST}:(\d+)", line):
            return int(found[1])
    raise AssertionError(f"the server did not start:\n{log.read_text(encoding='utf-8')}")


def _connect_to_each(server: Target, address: str) -> list[http.client.HTTPConnection]:
    found: dict[int, http.client.HTTPConnection] = {}
    for _ in range(100):
        connection = http.client.HTTPConnection(HOST, server.port, timeout=60, source_address=(address, 0))
        connection.request("GET", "/livez")
        connection.getresponse().read()
        worker = server.find_worker(connection.sock)
        if worker is None or worker in found:
            connection.close()
        else:
            found[worker] = connection
        if len(found) == WORKERS:
            return list(found.values())
    raise AssertionError(f"connections reach {len(found)} of {WORKERS} workers")


def _list_processes(pid: int) -> list[int]:
    children: list[str] = []
    with contextlib.suppress(OSError):  # the process may be ending
        for thread in Path(f"/proc/{pid}/task").iterdir():
            children += (thread / "children").read_text(encoding="ascii").split()
    return [pid, *(one for child in children for one in _list_processes(int(child)))]


def _read_peak_mb(pid: int) -> float:
    try:
        found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text(encoding="utf-8"))
    except OSError:
        return 0.0
    return int(found[1]) / 1024 if found else 0.0
