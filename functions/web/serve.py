"""Run uvicorn for `manage.py run`: one or more processes on a socket that is bound before the banner is printed."""

import logging
import os
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from multiprocessing import resource_tracker
from types import FrameType

import uvicorn
from typing_extensions import override
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess
from uvicorn.supervisors.multiprocess import Process

from core.errors import ThunderError
from core.local.signals import ENDING
from functions.web.connections import BACKLOG, raise_file_limit
from functions.web.context import METRICS_DIRECTORY
from functions.web.protocol import BoundedProtocol
from functions.web.unread import BoundedWebSocket

log = logging.getLogger(__name__)

SHUTDOWN_SECONDS = 10
MAX_INCOMING_BYTES = 4096
"""Largest message of a WebSocket client; its content is ignored."""

KEEP_ALIVE_S = 75
"""Time until an unused connection is closed. A client that sends its next call at that moment gets no answer. With
uvicorn's default of 5 s, that would be frequent: 5 s is a usual pause between two traces, and the limit of httpx."""
MAX_WORKERS = 8
START_SECONDS = 60
"""Time for a process to start answering."""
HANGING_SECONDS = 30
"""How long a process may be silent before it is replaced. On a busy machine, one that works may need seconds."""
ENDING_SECONDS = SHUTDOWN_SECONDS + 10
"""How long a process may take to end before it is killed: its requests, then its resources."""


class AddressError(ThunderError):
    """The address to serve on is not available."""


class StartError(ThunderError):
    """A server process ended before it answered."""


class AnnouncingServer(uvicorn.Server):
    """A server that announces when it answers requests."""

    def __init__(self, config: uvicorn.Config, announce: Callable[[], None]) -> None:
        super().__init__(config)
        self._announce = announce

    @override
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then announce."""
        await super().startup(sockets)
        if self.started:
            self._announce()


class AnnouncingProcesses(Multiprocess):
    """Several processes on one socket. It announces when all of them answer, and replaces one that ends."""

    def __init__(self, config: uvicorn.Config, sockets: list[socket.socket], announce: Callable[[], None]) -> None:
        ignores_hup = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN  # by nohup
        super().__init__(config, sockets)
        self._announce = announce
        self.has_failed = False
        self._asked: dict[Process, float] = {}
        """The time of the question to each process that has not answered yet."""
        self._exit = _Exit()
        self.should_exit: threading.Event = self._exit
        for number in ENDING:
            signal.signal(number, self._note_end)
        if ignores_hup:
            signal.signal(signal.SIGHUP, signal.SIG_IGN)

    def _note_end(self, number: int, _: FrameType | None) -> None:
        self.signal_queue.append(number)
        self._exit.has_signal = True

    @override
    def init_processes(self) -> None:
        """Start all processes, then announce."""
        with _keeping_ctrl_c():
            super().init_processes()
        ready = [process.wait_until_ready(START_SECONDS, self.should_exit) for process in self.processes]
        if all(ready):
            self._announce()
        elif not self.signal_queue:
            self.has_failed = True
            self.should_exit.set()

    @override
    def keep_subprocess_alive(self) -> None:
        """Replace processes that have ended or hang, and remove their gauges from the metrics. Never waits."""
        for index, process in enumerate(self.processes):
            if self.should_exit.is_set():
                return
            if self._works(process):
                continue
            log.warning("server: process %d has ended or is silent; another one replaces it", process.pid)
            process.kill()
            process.join()
            self._asked.pop(process, None)
            if process.exitcode == STARTUP_FAILURE:  # the next one would fail, too
                self.has_failed = True
                self.should_exit.set()
                return
            self._replace(index)

    def _works(self, process: Process) -> bool:
        """Ask a process for an answer, and return whether it runs and has not been silent for HANGING_SECONDS.

        uvicorn's own check waits for the answer, and no signal is handled meanwhile.
        """
        if not process.process.is_alive():
            return False
        try:
            while process.parent_conn.poll():
                process.parent_conn.recv()
                self._asked.pop(process, None)
            if process not in self._asked:
                process.parent_conn.send(b"ping")
                self._asked[process] = time.monotonic()
        except (OSError, EOFError):
            return False
        return time.monotonic() - self._asked[process] < HANGING_SECONDS

    def _replace(self, index: int) -> None:
        from prometheus_client.multiprocess import mark_process_dead  # noqa: PLC0415 - rarely needed

        mark_process_dead(self.processes[index].pid, os.environ[METRICS_DIRECTORY])
        self.processes[index] = Process(self.config, self.sockets)
        with _keeping_ctrl_c():
            self.processes[index].start()

    @override
    def join_all(self) -> None:
        """Wait until all processes have ended, and kill those that still run after ENDING_SECONDS."""
        deadline = time.monotonic() + ENDING_SECONDS
        for process in self.processes:
            process.process.join(max(0, deadline - time.monotonic()))
            process.process.kill()  # does nothing if the process has ended
            process.process.join()

    @override
    def handle_hup(self) -> None:
        """Stop when the terminal is closed, as a single process does."""
        self.handle_term()


class _Exit(threading.Event):
    """An event that counts as set as soon as a signal arrives. From then on, processes that end must not be replaced.

    A signal handler must not call `set`, which waits for a lock that the interrupted code may have.
    """

    has_signal = False

    @override
    def is_set(self) -> bool:
        return self.has_signal or super().is_set()


@contextmanager
def _keeping_ctrl_c() -> Generator[None]:
    """Block SIGINT in the processes that the block starts. A terminal sends it to them too, and they would fail.

    This process gets a pending signal after the block, and then ends the others.
    """
    resource_tracker.ensure_running()  # its start, which the first process would cause, unblocks SIGINT
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def bind(host: str, port: int) -> socket.socket:
    """Bind a TCP socket; port 0 chooses a free port.

    Raises:
        AddressError: the host is unknown, or the port is in use or not permitted.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        bound = socket.socket(family, kind, protocol)
    except OSError as error:
        raise AddressError(f"APP_HOST: no address for {host} ({error.strerror}); set another host") from None
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind(address)
    except OSError as error:
        bound.close()
        advice = "stop what serves there, or set APP_PORT"
        raise AddressError(f"APP_PORT: cannot serve on {host} port {port} ({error.strerror}); {advice}") from None
    return bound


def count_cores() -> int:
    """Return the number of cores that this process may use, up to the number of useful workers."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(usable, MAX_WORKERS)


def serve(bound: socket.socket, *, announce: Callable[[], None], workers: int = 1) -> None:
    """Serve all endpoints until a signal stops it, and call `announce` once they answer.

    Args:
        bound: the socket to serve on.
        announce: called once, in this process.
        workers: the number of processes. Parsing in one process holds its GIL, but does not block the others.
    """
    raise_file_limit()
    config = uvicorn.Config(
        "functions.web.worker:web",
        factory=True,
        loop="uvloop",
        http=BoundedProtocol,
        log_config=None,  # core.logging configures the logs, as on Modal
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        timeout_keep_alive=KEEP_ALIVE_S,
        ws=BoundedWebSocket,
        # Compression takes memory for each connection, and clients send almost nothing.
        ws_per_message_deflate=False,
        ws_max_size=MAX_INCOMING_BYTES,
        workers=workers,
    )
    if workers > 1:
        processes = AnnouncingProcesses(config, [bound], announce)
        with tempfile.TemporaryDirectory(prefix="thunder-metrics-", ignore_cleanup_errors=True) as directory:
            os.environ[METRICS_DIRECTORY] = directory
            processes.run()
        if processes.has_failed:
            raise StartError("server: a process did not start; see the log above")
    else:
        AnnouncingServer(config, announce).run(sockets=[bound])
