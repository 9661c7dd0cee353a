"""Processes to kill: Postgres with all that belongs to it, and a server that comes back on its port."""

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
from core.settings import Settings
from tests.client import Client
from tests.conftest import ADMIN_KEY, SECRET
from tests.faults.proxy import HOST, Proxy

ROOT = Path(__file__).parents[2]
START_SECONDS = 60
STOP_SECONDS = 20
SERVE = """
import sys
from functions.web.serve import bind, serve
bound = bind("127.0.0.1", int(sys.argv[1]))
serve(bound, announce=lambda: print(bound.getsockname()[1], flush=True))
"""
NAMES = {name.upper() for name in Settings.model_fields}


def list_children(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in children.read_text().split()] if children.exists() else []


def kill_postgres(postmaster: int) -> None:
    """Kill it, its sessions and its helpers at once: what the machine's end would do to them."""
    for pid in (postmaster, *list_children(postmaster)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def socket_of(server: EmbeddedPostgres) -> str:
    return str(server.socket_dir / ".s.PGSQL.5432")


def proxied(proxy: Proxy, database: str) -> str:
    """The DSN of a database behind a proxy."""
    return f"postgresql://{ROLE}@{HOST}:{proxy.port}/{database}?sslmode=disable&gssencmode=disable"


@dataclass(slots=True)
class Server:
    """All endpoints in a process of its own. Started again, it serves on the same port."""

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
        self.process.send_signal(how)
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()
        self.process = None


@contextlib.contextmanager
def served(log: Path, database_url: str, **settings: str) -> Generator[Server]:
    """A server with these settings and no others, until the end of the block."""
    own = {"THUNDER_ADMIN_KEY": ADMIN_KEY, "THUNDER_SECRET": SECRET, "INGEST_AUTH": "open", "LOG_LEVEL": "warning"}
    inherited = {name: value for name, value in os.environ.items() if name.upper() not in NAMES}
    server = Server(log, {**inherited, **own, "DATABASE_URL": database_url, **settings})
    try:
        server.start()
        yield server
    finally:
        server.stop()
