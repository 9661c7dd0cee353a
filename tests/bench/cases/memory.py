"""Memory for a trace of the maximum size, and memory growth during reads."""

from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from tests.bench.case import Case, Group
from tests.bench.measure import Check, Measured, Timed
from tests.bench.parallel import run_round
from tests.bench.payload import build_trace, with_id
from tests.bench.stage import AS_ADMIN, Server, Stage, list_processes, new_id
from tests.bench.wire import encode

MIB = 1 << 20
BODY_MB = 75
MAX_MB = 600
MAX_READ_MB = 700
MAX_WAIT_MS = 100
PROBE = 300
MAX_GROWTH = 1.05
CLIENTS = 4


@contextmanager
def open_scene(stage: Stage) -> Generator[Stage]:
    """Prepare nothing, because each case starts its own server."""
    yield stage


def read_resident(server: Server, name: str) -> float:
    """Return MB of the server's largest process: VmRSS (present) and VmHWM (peak)."""
    sizes = [0.0]
    for pid in list_processes(server.process.pid):
        lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
        sizes += [int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{name}:")]
    return max(sizes)


def post_largest(stage: Stage) -> Measured:
    """Post a trace that is nearly as large as a body may be."""
    each = len(build_trace(PROBE)) / PROBE
    body = build_trace(int(0.97 * BODY_MB * MIB / each))
    with stage.serve() as server:
        server.ingest(with_id(body, new_id()))
        peak = read_resident(server, "VmHWM")
    return Measured([peak], [len(body) / MIB], checks=[Check(f"at most {MAX_MB} MB", peak <= MAX_MB)])


def read_largest(stage: Stage) -> Measured:
    """Read such a trace without compression, while another caller requests the smallest answer."""
    each = len(build_trace(PROBE)) / PROBE
    body, name = build_trace(int(0.97 * BODY_MB * MIB / each)), new_id()
    with stage.serve() as server:
        server.ingest(with_id(body, name))
    with stage.serve(server.dsn) as again, again.connect() as wire, again.connect() as other:
        for one in (wire, other):
            one.expect(200, encode("GET", "/livez"))  # what a process imports after its first answer is in `cold start`
        waits: list[float] = []
        with ThreadPoolExecutor(1) as pool:
            reading = pool.submit(wire.expect, 200, encode("GET", f"/logs/{name}", AS_ADMIN))
            while not reading.done():
                waits.append(other.time(200, encode("GET", "/livez")))
            reading.result()
        peak, longest = read_resident(again, "VmHWM"), 1000 * max(waits)
    checks = [
        Check(f"at most {MAX_READ_MB} MB", peak <= MAX_READ_MB),
        Check(f"others waited {longest:.0f} ms at most", longest <= MAX_WAIT_MS),
    ]
    return Measured([peak], [len(body) / MIB], checks=checks)


def read_on(stage: Stage) -> Measured:
    """Read the feed repeatedly."""
    with stage.serve() as server:
        for _ in range(60):
            server.ingest(with_id(build_trace(60), new_id()))

        def read() -> Generator[Timed]:
            request = encode("GET", "/logs", AS_ADMIN)
            with server.connect() as wire:
                yield lambda: wire.time(200, request)

        count = stage.choose(100_000, 1000)
        run_round(read, clients=CLIENTS, n=count // 20 // CLIENTS)
        before = read_resident(server, "VmRSS")
        run_round(read, clients=CLIENTS, n=count // CLIENTS)
        after = read_resident(server, "VmRSS")
    text = f"{after / before:.2f} of the earlier size"
    return Measured([after], [before], checks=[Check(text, after / before <= MAX_GROWTH)], notes=[f"{count} reads"])


GROUP = Group(
    "memory",
    open_scene,
    [
        Case("resident at most, one 75 MB trace", "the body's size", post_largest, unit="MB", is_slow=True),
        Case("resident at most, one 75 MB trace read back", "the body's size", read_largest, unit="MB", is_slow=True),
        Case("resident after feed reads", "the same after 5 % of the reads", read_on, unit="MB", is_slow=True),
    ],
)
