"""Repeat a call in several clients at the same time, each in its own process."""

import multiprocessing
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier

from tests.bench.measure import MS, Measured, Timed, collect_as_served

FORK = multiprocessing.get_context("fork")
WAIT_S = 120

Client = Callable[[], Generator[Timed]]
"""Connects, yields the call to repeat, and disconnects."""


@dataclass(frozen=True)
class Round:
    """The duration of each call and of the whole round, in seconds."""

    seconds: list[float]
    wall: float


def run_round(client: Client, *, clients: int, n: int) -> Round:
    """Run `n` calls in each of several clients that start together."""
    barrier = FORK.Barrier(clients)
    pipes = [FORK.Pipe(duplex=False) for _ in range(clients)]
    processes = [FORK.Process(target=_work, args=(client, n, barrier, sender)) for _, sender in pipes]
    for process in processes:
        process.start()
    for _, sender in pipes:
        sender.close()
    answers: list[tuple[float, float, list[float]]] = [receiver.recv() for receiver, _ in pipes]
    for process in processes:
        process.join(WAIT_S)
    began, ended = min(one[0] for one in answers), max(one[1] for one in answers)
    return Round([second for one in answers for second in one[2]], ended - began)


def _work(client: Client, n: int, barrier: Barrier, sender: Connection) -> None:
    collect_as_served()
    with contextmanager(client)() as call:
        call()
        barrier.wait(WAIT_S)
        began = time.monotonic()
        seconds = [call() for _ in range(n)]
        sender.send((began, time.monotonic(), seconds))


def alternate_rounds(ours: Client, floor: Client, *, clients: int, n: int, rounds: int) -> Measured:
    """Run rounds of two clients alternately, timed in milliseconds."""
    pairs = [[run_round(one, clients=clients, n=n) for one in (ours, floor)] for _ in range(rounds)]
    own, other = ([MS * second for pair in pairs for second in pair[side].seconds] for side in (0, 1))
    return Measured(own, other, len(own) / sum(pair[0].wall for pair in pairs))
