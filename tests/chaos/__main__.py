"""`python -m tests.chaos`: run clients and faults for some minutes, then check everything."""

import json
import random
import secrets
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

import click
import psycopg

from core.local.signals import stopped_by_signals
from tests.chaos.clients import USERS, Chaos, curate, delete, ingest, read
from tests.chaos.faults import FAULTS, list_kinds, plan_faults
from tests.chaos.ledger import Ledger
from tests.chaos.streamers import stream
from tests.chaos.world import World, open_world

FINISH_S = 90
"""Maximum time for the clients to finish after the last fault."""
CHECK_S = 300
Client = Callable[[Chaos, str, str], None]
CLIENTS: dict[str, Client] = {
    **{f"engine{number}": ingest for number in range(4)},
    **{f"curator{number}": curate for number in range(3)},
    **{f"deleter{number}": delete for number in range(2)},
    **{f"reader{number}": read for number in range(3)},
    **{f"stream{number}": stream for number in range(2)},
    "stream of a user": partial(stream, user=USERS[0]),
}


@click.command()
@click.option("--minutes", type=click.FloatRange(0.1, 240), default=5.0, help="How long the faults last.")
@click.option("--seed", type=int, help="Seed of the plan of faults. By default random; it is printed.")
@click.option("--keep", type=click.Path(path_type=Path), help="Directory for the ledger and the servers' logs.")
def chaos(*, minutes: float, seed: int | None, keep: Path | None) -> None:
    """Run many clients while everything below them fails, then compare acknowledged and stored changes."""
    seed = secrets.randbelow(10**6) if seed is None else seed
    click.echo(f"seed {seed}, {minutes:g} minutes")
    with stopped_by_signals(), tempfile.TemporaryDirectory(prefix="chaos-") as name:
        directory = Path(name) if keep is None else keep
        directory.mkdir(parents=True, exist_ok=True)
        ledger = Ledger(directory / "ledger.ndjson")
        with open_world(directory, random.Random(seed)) as world:
            done = run(Chaos(world, ledger), seed, 60 * minutes)
            ledger.close()
            passed = report(directory / "ledger.ndjson", world.dsn, done, ledger.counts)
    sys.exit(not passed)


def run(chaos: Chaos, seed: int, seconds: float) -> Counter[str]:
    """Run clients and faults, and return the number of times that each fault occurred."""
    threads = [
        threading.Thread(target=work, args=(chaos, name, str(seed)), name=name, daemon=True)
        for name, work in CLIENTS.items()
    ]
    for thread in threads:
        thread.start()
    try:
        return cause_faults(chaos.world, seed, time.monotonic() + seconds)
    finally:
        chaos.world.revive()
        finish(chaos, threads)


def cause_faults(world: World, seed: int, deadline: float) -> Counter[str]:
    done: Counter[str] = Counter()
    for fault in plan_faults(random.Random(f"{seed} faults"), list_kinds(world)):
        if time.monotonic() + fault.pause_s > deadline:
            return done
        time.sleep(fault.pause_s)
        click.echo(f"{max(0, deadline - time.monotonic()):5.0f} s left  {fault.kind}")
        FAULTS[fault.kind](world, fault)
        world.revive_postgres()
        done[fault.kind] += 1
    return done


def finish(chaos: Chaos, threads: list[threading.Thread]) -> None:
    """Wait until the clients have finished and the streams have sent everything, then end them."""
    chaos.stopping.set()
    deadline = time.monotonic() + FINISH_S
    streams = [thread for thread in threads if thread.name.startswith("stream")]
    for thread in threads:
        if thread not in streams:
            thread.join(max(0, deadline - time.monotonic()))
    await_streams(chaos, deadline)
    chaos.ending.set()
    for thread in threads:
        thread.join(30)


def await_streams(chaos: Chaos, deadline: float) -> None:
    """Wait until no stream has sent anything for some seconds."""
    before, quiet_since = -1, time.monotonic()
    while time.monotonic() < deadline + FINISH_S and time.monotonic() - quiet_since < 20:
        if chaos.ledger.counts["seen"] != before:
            before, quiet_since = chaos.ledger.counts["seen"], time.monotonic()
        time.sleep(0.5)
    with psycopg.connect(chaos.world.dsn, autocommit=True) as conn:
        conn.execute("select pg_notify('thunder_logs', '')")  # streams end when they get something to read
    time.sleep(1)


def report(ledger: Path, dsn: str, done: Counter[str], counts: Counter[str]) -> bool:
    """Run the checker in a separate process, and print the result."""
    command = [sys.executable, "-m", "tests.chaos.checker", str(ledger), dsn]
    checked = subprocess.run(command, capture_output=True, text=True, timeout=CHECK_S, check=False)
    if not checked.stdout:
        click.echo(checked.stderr, err=True)
        return False
    verdict = json.loads(checked.stdout)
    for kind, times in sorted(done.items()):
        click.echo(f"| {kind} | {times} |")
    click.echo(f"requests by kind: {dict(sorted(counts.items()))}")
    for problem in verdict.pop("problems"):
        click.echo(problem)
    click.echo(", ".join(f"{name} {number}" for name, number in verdict.items()) + f", faults {done.total()}")
    return checked.returncode == 0


if __name__ == "__main__":
    chaos()
