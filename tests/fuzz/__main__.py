"""`python -m tests.fuzz`: run both fuzzers in parallel for some seconds. The exit code is 1 if there are findings."""

import subprocess
import sys
import tempfile
from pathlib import Path

import click
import urllib3

from core.database.migrations import migrate
from core.local.postgres import TEST_SETTINGS, start_embedded
from core.local.signals import stopped_by_signals
from tests.support.environment import ROOT
from tests.support.hf_server import HfServer
from tests.support.keys import ADMIN_KEY
from tests.support.processes import served
from tests.support.upstream import run_upstream

SLACK_S = 60
"""Additional time to start, and to minimize a finding."""
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)


@click.command()
@click.option("--seconds", type=click.IntRange(5, 36_000), default=60, help="Duration of each fuzzer.")
@click.option("--seed", type=int, default=None, help="Seed of schemathesis. By default random; it is printed.")
def fuzz(*, seconds: int, seed: int | None) -> None:
    """Fuzz the API over HTTP, and the parsers of request bodies in a separate process."""
    with stopped_by_signals(), tempfile.TemporaryDirectory(prefix="fuzz-") as name:
        directory = Path(name)
        bodies = start_bodies(seconds, directory)
        is_api_right = fuzz_api(seconds, seed, directory)
        is_reading_right = finish_bodies(bodies, seconds, directory)
    sys.exit(not (is_api_right and is_reading_right))


def start_bodies(seconds: int, directory: Path) -> subprocess.Popen[bytes]:
    (directory / "bodies").mkdir()
    with (directory / "bodies.log").open("wb") as log:
        command = [sys.executable, "-m", "tests.fuzz.bodies", str(seconds), str(directory / "bodies")]
        return subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)


def finish_bodies(process: subprocess.Popen[bytes], seconds: int, directory: Path) -> bool:
    """Wait for the fuzzer of bodies. Print its log and findings if there are any."""
    try:
        status = process.wait(seconds + SLACK_S)
    except subprocess.TimeoutExpired:
        process.kill()
        status = process.wait()
    log = (directory / "bodies.log").read_text(encoding="utf-8", errors="replace")
    click.echo("\n".join(line for line in log.splitlines() if line.startswith("stat::")))
    if status:
        click.echo(log[-10_000:], err=True)
        for found in sorted((directory / "bodies").glob("*-*")):
            click.echo(f"{found.name}: {found.read_bytes()!r}", err=True)
    return status == 0


def fuzz_api(seconds: int, seed: int | None, directory: Path) -> bool:
    """Start a server with a database and an HF server, and run schemathesis against its OpenAPI document."""
    hf = HfServer()
    with start_embedded(directory / "postgres", settings=TEST_SETTINGS) as postgres, run_upstream(**hf.scripts()) as up:
        migrate(postgres.dsn)
        settings = {"BOOTSTRAP_SECRET": "x" * 32, "PLAYGROUND_ACTIVATIONS_HF_URL": up.url}
        with served(directory / "server.log", postgres.dsn, **settings) as server:
            hf.post_to = server.client
            url = server.client.url
            command = ["schemathesis", "run", f"{url}/openapi.json", "--header", f"X-API-Key: {ADMIN_KEY}"]
            command += ["--max-time", str(seconds), "--checks", ",".join(CHECKS), "--continue-on-failure"]
            command += ["--exclude-path", "/logs/stream", "--generation-database", "none", "--warnings", "off"]
            # Wrong keys would only be delayed (functions/web/guesses.py).
            command += ["--generation-with-security-parameters", "false", "--phases", "fuzzing", "--max-examples", "10"]
            command += [] if seed is None else ["--seed", str(seed)]
            done = subprocess.run(
                [Path(sys.executable).parent / command[0], *command[1:]],
                cwd=directory,
                check=False,
                timeout=seconds + SLACK_S,
            )
            is_alive = urllib3.request("GET", f"{url}/health", timeout=10).status == 200
        log = (directory / "server.log").read_text(encoding="utf-8")
    unexpected = [line for line in log.splitlines() if "unexpected error" in line]
    for line in unexpected[:5]:
        click.echo(line, err=True)
    return done.returncode == 0 and is_alive and not unexpected


if __name__ == "__main__":
    fuzz()
