"""The smallest answer on a keep-alive connection: the time of the web framework, and whether a packet waits 40 ms."""

import multiprocessing
import socket
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.bench.case import Case, Group
from tests.bench.measure import Check, Measured, alternate, time_call
from tests.bench.stage import Stage
from tests.bench.wire import Wire, encode

DELAYED_ACK_MS = 40
"""The additional time of a small answer if the server leaves TCP_NODELAY off."""
FORK = multiprocessing.get_context("fork")
LIVEZ = encode("GET", "/livez")


@dataclass(frozen=True)
class Scene:
    """A client of the server, and a connection to a process that returns what it receives."""

    stage: Stage
    wire: Wire
    echo: socket.socket


@contextmanager
def open_scene(stage: Stage) -> Generator[Scene]:
    """Start the server, and an echo server as the floor."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        process = FORK.Process(target=send_back, args=(listening,), daemon=True)
        process.start()
        try:
            with (
                stage.main.connect() as wire,
                socket.create_connection(listening.getsockname()) as echo,
            ):
                yield Scene(stage, wire, echo)
        finally:
            process.kill()
            process.join()


def send_back(listening: socket.socket) -> None:
    """Serve one client, and echo everything it sends."""
    client, _ = listening.accept()
    while data := client.recv(4096):
        client.sendall(data)


def ask(scene: Scene) -> Measured:
    """Send requests one after the other over the same connection."""

    def bounce() -> None:
        scene.echo.sendall(LIVEZ)
        scene.echo.recv(4096)

    measured = alternate(
        lambda: scene.wire.time(200, LIVEZ), lambda: time_call(bounce), n=scene.stage.choose(1000, 100), warmup=20
    )
    measured.checks.append(Check("95 of 100 in under 40 ms", measured.p95 < DELAYED_ACK_MS))
    return measured


GROUP = Group("small", open_scene, [Case("GET /livez, kept alive", "an echo of as many bytes over loopback", ask)])
