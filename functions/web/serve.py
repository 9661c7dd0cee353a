"""Uvicorn, as `manage.py run` uses it: processes on a socket that is bound before anything is promised."""

import os
import socket
from collections.abc import Callable

import uvicorn
from typing_extensions import override
from uvicorn.supervisors import Multiprocess

from core.errors import ThunderError
from functions.web.protocol import BACKLOG, BoundedProtocol, raise_file_limit

SHUTDOWN_SECONDS = 10
MAX_INCOMING_BYTES = 4096
"""What a WebSocket's client may send at once; nothing of it is read."""

MAX_WORKERS = 8
START_SECONDS = 60
"""How long a process may take until it answers."""


class AddressError(ThunderError):
    """The address to serve on cannot be had; the sentence says why."""


class StartError(ThunderError):
    """A process of the server ended before it answered."""


class AnnouncingServer(uvicorn.Server):
    """A server that says when it answers: what is printed before that would be a promise."""

    def __init__(self, config: uvicorn.Config, announce: Callable[[], None]) -> None:
        super().__init__(config)
        self._announce = announce

    @override
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start as usual, then announce."""
        await super().startup(sockets)
        if self.started:
            self._announce()


class AnnouncingProcesses(Multiprocess):
    """Several processes on one socket, which says when all of them answer; one that dies is replaced."""

    def __init__(self, config: uvicorn.Config, sockets: list[socket.socket], announce: Callable[[], None]) -> None:
        super().__init__(config, sockets)
        self._announce = announce
        self.has_failed = False

    @override
    def init_processes(self) -> None:
        """Start them all, then announce."""
        super().init_processes()
        ready = [process.wait_until_ready(START_SECONDS, self.should_exit) for process in self.processes]
        if all(ready):
            self._announce()
        elif not self.signal_queue:
            self.has_failed = True
            self.should_exit.set()

    @override
    def handle_hup(self) -> None:
        """A closed terminal ends it, as it ends one process."""
        self.handle_term()


def bind(host: str, port: int) -> socket.socket:
    """Bind a TCP socket; port 0 takes a free one.

    Raises:
        AddressError: if the host is unknown, or the port taken or not ours to take.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        bound = socket.socket(family, kind, protocol)
    except OSError as error:
        raise AddressError(f"APP_HOST {host}: {error.strerror}") from None
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind(address)
    except OSError as error:
        bound.close()
        advice = "stop what serves there, or set APP_PORT"
        raise AddressError(f"cannot serve on {host} port {port} ({error.strerror}): {advice}") from None
    return bound


def count_cores() -> int:
    """The cores that this process may use, as far as serving from more is worth it."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(usable, MAX_WORKERS)


def serve(bound: socket.socket, *, announce: Callable[[], None], workers: int = 1) -> None:
    """Serve all endpoints until a signal stops it, and call `announce` once they answer.

    Args:
        bound: where.
        announce: called once, in this process.
        workers: processes. What one parses, and the interpreter's lock with it, holds up no other.
    """
    raise_file_limit()
    config = uvicorn.Config(
        "functions.web.worker:web",
        factory=True,
        loop="uvloop",
        http=BoundedProtocol,
        log_config=None,  # core.logging, as on Modal
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        ws="websockets-sansio",
        # Compression takes memory for each connection, and clients have little to say.
        ws_per_message_deflate=False,
        ws_max_size=MAX_INCOMING_BYTES,
        workers=workers,
    )
    if workers > 1:
        processes = AnnouncingProcesses(config, [bound], announce)
        processes.run()
        if processes.has_failed:
            raise StartError("a server process did not start; the log above says why")
    else:
        AnnouncingServer(config, announce).run(sockets=[bound])
