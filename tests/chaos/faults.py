"""The faults: a plan that a seed determines, and functions that cause and end each fault."""

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

import psycopg

from tests.chaos.world import World
from tests.support.processes import kill_postgres, list_children

PAUSE_S = (1.0, 6.0)
"""Pause between two faults."""
OUTAGE_S = (0.0, 4.0)
JUMPS = [timedelta(days=1), timedelta(days=-2), timedelta(days=3650), timedelta(hours=-1), timedelta(0)]
TERMINATE = """
select pg_terminate_backend(pid) from pg_stat_activity
where datname = current_database() and pid <> pg_backend_pid() and random() < 0.7
"""


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault of the plan: its kind, the pause before it, its duration, and a number that the fault interprets."""

    kind: str
    pause_s: float
    for_s: float
    number: int


def plan_faults(chance: random.Random, kinds: list[str]) -> Iterator[Fault]:
    """Yield faults endlessly: every kind once per round, in a random order."""
    while True:
        for kind in chance.sample(kinds, len(kinds)):
            yield Fault(kind, chance.uniform(*PAUSE_S), chance.uniform(*OUTAGE_S), chance.randrange(1_000_000))


def kill_postmaster(world: World, fault: Fault) -> None:
    kill_postgres(world.postgres.pid)
    time.sleep(fault.for_s)
    world.revive_postgres()


def kill_session(world: World, fault: Fault) -> None:
    """Kill one process of Postgres; the postmaster restarts all others."""
    children = list_children(world.postgres.pid)
    if children:
        os.kill(children[fault.number % len(children)], signal.SIGKILL)
    time.sleep(1)
    world.revive_postgres()


def kill_server(world: World, fault: Fault) -> None:
    server = world.servers[fault.number % len(world.servers)]
    server.kill()
    time.sleep(fault.for_s)
    server.start()


def restart_server(world: World, fault: Fault) -> None:
    """Stop a server as a deployment does."""
    server = world.servers[fault.number % len(world.servers)]
    server.stop()
    time.sleep(fault.for_s / 4)
    server.start()


def cut_connections(world: World, fault: Fault) -> None:
    world.proxies[fault.number % len(world.proxies)].cut()


def silence_connections(world: World, fault: Fault) -> None:
    """Lose all packets of the existing connections to Postgres. New connections work."""
    del fault
    world.database.silence()


def terminate_sessions(world: World, fault: Fault) -> None:
    del fault
    with psycopg.connect(world.dsn, autocommit=True) as conn:
        conn.execute(TERMINATE)


def hang_postgres(world: World, fault: Fault) -> None:
    stopped = [world.postgres.pid, *list_children(world.postgres.pid)]
    send_signal(stopped, signal.SIGSTOP)
    time.sleep(fault.for_s)
    send_signal(stopped, signal.SIGCONT)


def send_signal(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


def slow_network(world: World, fault: Fault) -> None:
    """Delay and lose packets at all proxies for some time."""
    chance = random.Random(fault.number)
    for proxy in world.proxies:
        proxy.delay_s, proxy.refused, proxy.dropped = chance.uniform(0, 0.05), chance.uniform(0, 0.1), 0.02
    time.sleep(2 + 2 * fault.for_s)
    for proxy in world.proxies:
        proxy.delay_s = proxy.refused = proxy.dropped = 0.0


def fill_disk(world: World, fault: Fault) -> None:
    assert world.disk is not None
    world.disk.fill()
    time.sleep(1 + fault.for_s)
    world.disk.free()
    world.revive_postgres()


def jump_clock(world: World, fault: Fault) -> None:
    assert world.clock is not None
    world.clock.jump(JUMPS[fault.number % len(JUMPS)])


FAULTS: dict[str, Callable[[World, Fault], None]] = {
    "Postgres killed": kill_postmaster,
    "a session of Postgres killed": kill_session,
    "a server killed": kill_server,
    "a server restarted": restart_server,
    "connections reset": cut_connections,
    "connections to Postgres silent": silence_connections,
    "sessions terminated": terminate_sessions,
    "Postgres stopped for seconds": hang_postgres,
    "latency and loss": slow_network,
    "disk full": fill_disk,
    "clock jumps": jump_clock,
}


def list_kinds(world: World) -> list[str]:
    """Return the kinds of faults that are possible on this machine."""
    missing = {"disk full": world.disk is None, "clock jumps": world.clock is None}
    return [kind for kind in FAULTS if not missing.get(kind, False)]
