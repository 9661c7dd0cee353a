"""The system under test: an embedded durable Postgres as in `make run`, and servers as `make run` starts them."""

import contextlib
import itertools
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Generator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import psycopg

from core.database.migrations import migrate
from core.local.postgres import EmbeddedPostgres, start_embedded
from core.settings import Settings
from tests.bench.wire import JSON_TYPE, Wire, encode
from tests.support.processes import end

ROOT = Path(__file__).parents[2]
ADMIN_KEY = "ck_" + "b" * 64
SECRET = "a secret of the benchmarks"
TEMPLATE = "bench_template"
START_S = 60
SERVES = re.compile(r"serves on (http://\S+)")
OWN = {name.upper() for name in Settings.model_fields}
AS_ADMIN = {"X-API-Key": ADMIN_KEY}


@dataclass(frozen=True)
class Server:
    """A running `manage.py run`."""

    url: str
    dsn: str
    process: subprocess.Popen[bytes]

    def connect(self) -> Wire:
        """Open a connection of a client."""
        return Wire(self.url)

    def ingest(self, body: bytes) -> None:
        """Post one trace."""
        with self.connect() as wire:
            wire.expect(201, encode("POST", "/v1/ingest", JSON_TYPE, body))


@dataclass(frozen=True)
class Stage:
    """The Postgres of a run, with servers and files.

    Attributes:
        quick: whether to repeat cases only a few times.
        stack: resources that last as long as the stage.
    """

    postgres: EmbeddedPostgres
    directory: Path
    quick: bool
    stack: contextlib.ExitStack
    numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    @cached_property
    def main(self) -> Server:
        """The server that cases share unless they need their own."""
        return self.stack.enter_context(self.serve())

    def choose(self, full: int, quick: int) -> int:
        """Choose the number of repetitions."""
        return quick if self.quick else full

    def make_database(self) -> str:
        """Create a migrated database and return its URL."""
        return self.postgres.create_database(f"bench_{next(self.numbers)}", template=TEMPLATE)

    @contextlib.contextmanager
    def serve(self, dsn: str | None = None, *, pooled: str | None = None) -> Generator[Server]:
        """Run a server on a database, by default a new one; `pooled` is another URL of it, through a proxy."""
        direct = dsn or self.make_database()
        urls = {"DATABASE_URL": pooled or direct, "DATABASE_URL_DIRECT": direct}
        log = self.directory / f"server-{next(self.numbers)}.log"
        with log.open("wb") as errors, launch(self.directory, urls, errors.fileno()) as process:
            yield Server(await_url(process, log), direct, process)


def clean_environment() -> dict[str, str]:
    """Return the environment of this process without Thunder's settings."""
    return {name: value for name, value in os.environ.items() if name.upper() not in OWN and name != "MODAL_APP_NAME"}


def make_environment(urls: dict[str, str], directory: Path) -> dict[str, str]:
    """Return the environment of a server on loopback with any port, where ingest is open."""
    own = {"APP_PORT": "0", "THUNDER_ADMIN_KEY": ADMIN_KEY, "THUNDER_SECRET": SECRET}
    return {**clean_environment(), **own, **urls, "THUNDER_DATA_DIR": str(directory / "data"), "PYTHONUNBUFFERED": "1"}


@contextlib.contextmanager
def launch(directory: Path, urls: dict[str, str], errors: int) -> Generator[subprocess.Popen[bytes]]:
    """Start a server and stop it after the block. Its directory has no .env file."""
    command = [sys.executable, str(ROOT / "manage.py"), "run"]
    environment = make_environment(urls, directory)
    with subprocess.Popen(
        command, cwd=directory, env=environment, stdout=subprocess.PIPE, stderr=errors, start_new_session=True
    ) as process:
        try:
            yield process
        finally:
            end(process)


def await_url(process: subprocess.Popen[bytes], log: Path) -> str:
    """Read the output of the server up to its URL."""
    assert process.stdout is not None
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        line = process.stdout.readline().decode()
        if found := SERVES.search(line):
            return found[1]
        if not line:
            break
    raise RuntimeError(f"the server did not start:\n{log.read_text()[-3000:]}")


@contextlib.contextmanager
def open_stage(*, quick: bool) -> Generator[Stage]:
    """Run a Postgres in a temporary directory."""
    with (
        tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as path,
        start_embedded(Path(path) / "postgres") as postgres,
    ):
        migrate(postgres.create_database(TEMPLATE))
        try:
            with contextlib.ExitStack() as stack:
                yield Stage(postgres, Path(path), quick, stack)
        finally:
            # Its data is discarded, so no checkpoint is needed.
            os.kill(postgres.pid, signal.SIGQUIT)


def list_processes(pid: int) -> list[int]:
    """List a process and its descendants."""
    threads = Path(f"/proc/{pid}/task").iterdir()
    children = [child for one in threads for child in (one / "children").read_text(encoding="ascii").split()]
    return [pid, *(one for child in children for one in list_processes(int(child)))]


def read_processor_seconds(pid: int) -> float:
    """Return the processor seconds of a process and its descendants, including those that have ended."""
    ticks = 0
    for one in list_processes(pid):
        fields = Path(f"/proc/{one}/stat").read_text(encoding="utf-8").rpartition(") ")[2].split()
        ticks += sum(map(int, fields[11:15] if one == pid else fields[11:13]))
    return ticks / os.sysconf("SC_CLK_TCK")


def new_id() -> str:
    """Return a unique id with the length of the payload's placeholder."""
    return f"bench-{uuid.uuid4().hex[:26]}"


def connect(dsn: str) -> psycopg.Connection:
    """Open a connection for a floor, which prepares statements on first use."""
    return psycopg.connect(dsn, autocommit=True, prepare_threshold=0)
