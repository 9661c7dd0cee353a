"""Cold start: the time from the start of a process to its first answer, per function."""

import contextlib
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from functions import api
from tests.bench.case import Case, Group
from tests.bench.measure import Measured, alternate
from tests.bench.payload import build_trace, with_id
from tests.bench.stage import ADMIN_KEY, ROOT, Server, Stage, launch, make_environment, new_id
from tests.bench.wire import Wire, encode

FLOOR = "the start of a process that imports fastapi and nothing else"
IMPORT = [sys.executable, "-c", "import fastapi, os; os.write(1, b'200\\n')"]
PATHS = {
    "api": "/logs",
    "activations": "/playground/activations/runs",
    "auth": "/auth/me",
    "calibrators": "/v1/calibrators",
    "collections": "/collections",
    "confidence": "/v1/confidence/{id}",
    "curation": "/logs/{id}/tags",
    "deletions": "/v1/deletions",
    "discussions": "/logs/{id}/discussions",
    "health": "/health",
    "logs": "/logs",
    "metrics": "/metrics",
    "mods": "/v1/mods",
    "outcomes": "/logs/{id}/outcome",
    "stream": "/logs/stream",
}
"""The first request of some functions; others get a path that does not exist."""
QUICK = {"api", "ingest", "logs"}
WITH_NUMPY = {"api", "calibrators", "collections", "confidence", "ingest", "logs", "score", "share"}
"""Functions that score or show traces, and therefore import numpy."""
TARGET, TARGET_WITH_NUMPY = 1.6, 2.0
POSTED = {"ingest": "/v1/ingest", "score": "/v1/score", "share": "/logs/{id}/public"}


@dataclass(frozen=True)
class Scene:
    """A database with one trace."""

    stage: Stage
    server: Server
    request_id: str
    body: bytes

    @property
    def environment(self) -> dict[str, str]:
        """The environment of a function's process."""
        urls = {"DATABASE_URL": self.server.dsn, "DATABASE_URL_DIRECT": self.server.dsn, "INGEST_AUTH": "open"}
        return make_environment(urls, self.stage.directory)


@contextmanager
def open_scene(stage: Stage) -> Generator[Scene]:
    """Prepare a database with one trace, so that no first answer waits for a long statement."""
    body, name = build_trace(60), new_id()
    with stage.serve() as server:
        server.ingest(with_id(body, name))
        yield Scene(stage, server, name, body)


def time_first_line(command: list[str], scene: Scene, body: bytes) -> float:
    """Return the seconds from the start of a process to its first line, which must be a successful status."""
    began = time.perf_counter()
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=scene.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(body)
            process.stdin.close()
        line = process.stdout.readline()
        taken = time.perf_counter() - began
    if line[:1] not in {b"2", b"4"}:
        raise RuntimeError(f"{command} answered {line!r}")
    return taken


def start(function: str, scene: Scene) -> Measured:
    """Start the process of a function and send one request."""
    posted = function in POSTED
    path = (POSTED.get(function) or PATHS.get(function, "/")).format(id=scene.request_id)
    headers = [f"X-API-Key: {ADMIN_KEY}", "Content-Type: application/json"]
    if function == "stream":
        headers.append("Accept: text/event-stream")
    command = [sys.executable, "-m", "tests.bench.first_request", function, "POST" if posted else "GET", path, *headers]
    body = b"" if function not in {"ingest", "score"} else with_id(scene.body, new_id())
    return alternate(
        lambda: time_first_line(command, scene, b"{}" if function == "share" else body),
        lambda: time_first_line(IMPORT, scene, b""),
        n=scene.stage.choose(7, 2),
        warmup=scene.stage.choose(1, 0),
    )


def start_server(scene: Scene) -> Measured:
    """Start `manage.py run` and send one request."""

    def run() -> float:
        began = time.perf_counter()
        urls = {"DATABASE_URL": scene.server.dsn, "DATABASE_URL_DIRECT": scene.server.dsn}
        with (
            (scene.stage.directory / "cold.log").open("wb") as log,
            launch(scene.stage.directory, urls, log.fileno()) as one,
        ):
            assert one.stdout is not None
            while b"serves on" not in (line := one.stdout.readline()):
                assert line, "the server did not start"
            url = line.split()[-1].decode()
            with Wire(url) as wire:
                wire.expect(200, encode("GET", "/livez"))
            return time.perf_counter() - began

    return alternate(
        run, lambda: time_first_line(IMPORT, scene, b""), n=scene.stage.choose(5, 1), warmup=scene.stage.choose(1, 0)
    )


GROUP = Group(
    "cold",
    open_scene,
    [
        *(
            Case(
                f"cold start: {name}",
                FLOOR,
                partial(start, name),
                target=TARGET_WITH_NUMPY if name in WITH_NUMPY else TARGET,
                is_slow=name not in QUICK,
            )
            for name in (endpoint.__name__.rpartition(".")[2] for endpoint in (api, *api.ENDPOINTS))
        ),
        Case("cold start: manage.py run", FLOOR, start_server, is_slow=True),
    ],
)
