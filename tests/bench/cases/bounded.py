"""The guarantee: no caller makes a process exceed 1 GB, or another caller wait longer than a second."""

import time
from collections.abc import Generator
from contextlib import contextmanager

from tests.bench.case import Case, Group
from tests.bench.measure import MS, Check, Measured
from tests.bench.stage import Stage
from tests.support.bombs import KINDS, pack_bomb
from tests.support.bystanders import MAX_MB, Others, Target, attack_together, run_server

ATTACKERS = 3
MAX_WAIT_MS = 1000
CALM_S = 3.0


@contextmanager
def open_scene(stage: Stage) -> Generator[Target]:
    """Start a server with two workers."""
    directory = stage.directory / "bounded"
    directory.mkdir()
    with run_server(directory, stage.make_database()) as server:
        yield server


def attack(server: Target) -> Measured:
    """Send each bomb three times at once while others call each worker. The floor is their longest wait before."""
    calm = Others(server)
    with calm.calling():
        time.sleep(CALM_S)
    waits, peak = list[float](), 0.0
    for name in KINDS:
        path, body, headers = pack_bomb(name)
        others = Others(server)
        attack_together(others, lambda: server.post(path, body, headers), ATTACKERS)  # noqa: B023 - ends in the loop
        if others.failures:
            raise RuntimeError(f"{name}: others failed: {others.failures[:3]}")
        waits.append(max(others.waits) * MS)
        peak = max(peak, others.peak_mb)
    checks = [
        Check(f"others waited {max(waits):.0f} ms at most", max(waits) <= MAX_WAIT_MS),
        Check(f"no process exceeded {peak:.0f} MB", peak <= MAX_MB),
    ]
    return Measured(waits, [max(calm.waits) * MS], checks=checks, notes=[f"{len(KINDS)} forms"])


GROUP = Group(
    "guarantee",
    open_scene,
    [Case("longest wait of others, bodies of 70 MB", "their longest wait without them", attack, is_slow=True)],
)
