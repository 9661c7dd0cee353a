"""Processes that a test starts, stops and kills: Postgres, and servers that return on the same port."""

import contextlib
import os
import select
import signal
import subprocess
import sys
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path

import urllib3

from core.local.cluster import ROLE
from core.local.postgres import EmbeddedPostgres
from tests.support.client import Client
from tests.support.environment import ROOT, make_environment
from tests.support.keys import ADMIN_KEY, SECRET
from tests.support.proxy import HOST, Proxy

START_SECONDS = 120
STOP_SECONDS = 30
SERVE = """
import sys
from functions.web.serve import bind, serve
bound = bind("127.0.0.1", int(sys.argv[1]))
serve(bound, announce=lambda: print(bound.getsockname()[1], flush=True))
"""


def list_children(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in children.read_text().split()] if children.exists() else []


def end(process: subprocess.Popen[bytes], how: signal.Signals = signal.SIGTERM) -> None:
    """End a process by a signal, or kill it if it does not end in time."""
    process.send_signal(how)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def kill_postgres(postmaster: int) -> None:
    """Kill a postmaster and all its processes at once, as in a power failure."""
    for pid in (postmaster, *list_children(postmaster)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def socket_of(server: EmbeddedPostgres) -> str:
    return str(server.socket_dir / ".s.PGSQL.5432")


def proxied(proxy: Proxy, database: str) -> str:
    """Return the DSN of a database behind a proxy."""
    return f"postgresql://{ROLE}@{HOST}:{proxy.port}/{database}?sslmode=disable&gssencmode=disable"


@dataclass(slots=True)
class Server:
    """A process with all endpoints. It uses the same port each time it is started."""

    log: Path
    environment: dict[str, str]
    port: int = 0
    process: subprocess.Popen[bytes] | None = None
    pool: urllib3.PoolManager = field(
        default_factory=lambda: urllib3.PoolManager(maxsize=32, retries=False, timeout=60)
    )

    @property
    def client(self) -> Client:
        return self.client_at(self.port)

    def client_at(self, port: int) -> Client:
        return Client(self.pool, f"http://{HOST}:{port}", ADMIN_KEY)

    def start(self) -> None:
        with self.log.open("ab") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-c", SERVE, str(self.port)],
                cwd=ROOT,
                env=self.environment,
                stdout=subprocess.PIPE,
                stderr=errors,
            )
        assert self.process.stdout is not None
        assert select.select([self.process.stdout], [], [], START_SECONDS)[0], "the server did not start"
        line = self.process.stdout.readline()
        assert line, self.log.read_text()
        self.port = int(line)

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self.pool.clear()
        self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> None:
        if self.process is None:
            return
        end(self.process, how)
        if self.process.stdout is not None:
            self.process.stdout.close()
        self.process = None


@contextlib.contextmanager
def served(log: Path, database_url: str, **settings: str) -> Generator[Server]:
    """Run a server where ingest is open until the end of the block. `settings` change or add to its settings."""
    own = {"THUNDER_SECRET": SECRET, "INGEST_AUTH": "open", "LOG_LEVEL": "warning", **settings}
    with _run(log, {"DATABASE_URL": database_url, **own}) as server:
        yield server


@contextlib.contextmanager
def server_process(log: Path, database_url: str, **settings: str) -> Generator[Client]:
    """Run a server with these settings and no others until the end of the block. It logs to a file."""
    with _run(log, {"DATABASE_URL": database_url, **settings}) as server:
        yield server.client


@contextlib.contextmanager
def _run(log: Path, settings: dict[str, str]) -> Generator[Server]:
    server = Server(log, make_environment(**{"THUNDER_ADMIN_KEY": ADMIN_KEY, **settings}))
    try:
        server.start()
        yield server
    finally:
        server.stop()


@dataclass(frozen=True)
class Pair:
    """Two servers of one database."""

    one: Client
    other: Client
