"""Run jobs that hold the GIL or need much memory in a separate process, so that they don't block other requests."""

import asyncio
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any, TypeVar, TypeVarTuple

from core.errors import ThunderError
from functions.web.spool import Part, read_file

MEMORY_BYTES = 800 * 1024 * 1024
"""Memory that the process may allocate. Mapped libraries take 40 MB in addition. A trace of 75 MB needs 250 MB, a chat
completion with twenty candidates per token twenty times its size."""
JOB_S = 60.0
"""A job that takes longer is stopped."""
IDLE_S = 60.0
"""Idle time after which the process ends."""
NICENESS = 5
"""Gives the processes that answer requests priority over these jobs."""

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

_START = "import json, sys; sys.path[:] = json.loads(sys.argv[2]); from functions.web import heavy; "
_START += "heavy.serve_jobs(int(sys.argv[1]))"


class TooHeavyError(ThunderError):
    """A job exceeded its limit of memory or time."""

    status = 413


@dataclass(slots=True)
class Child:
    """The process and the parent's end of the socket to it."""

    process: subprocess.Popen[bytes]
    ours: socket.socket
    connection: Connection


@dataclass(slots=True)
class HeavyProcess:
    """Run jobs one after another in a separate process, which starts when needed and is replaced when it ends."""

    _child: Child | None = None
    _thread: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "heavy"))
    _retirement: asyncio.TimerHandle | None = None

    async def run(self, function: Callable[[bytes, *Ts], T], content: bytes | Part, *args: *Ts) -> T:
        """Call a module-level function in the process. Its first argument is `content` as bytes.

        Raises:
            TooHeavyError: the call needs more than MEMORY_BYTES, or takes longer than JOB_S.
        """
        loop = asyncio.get_running_loop()
        if self._retirement is not None:
            self._retirement.cancel()
        try:
            return await loop.run_in_executor(self._thread, self._call, function, content, args)
        finally:
            self._retirement = loop.call_later(IDLE_S, self._thread.submit, self._end)

    def close(self) -> None:
        """End the process."""
        if self._retirement is not None:
            self._retirement.cancel()
        self._thread.submit(self._end)
        self._thread.shutdown()

    def _call(self, function: Callable[..., T], content: bytes | Part, args: tuple[object, ...]) -> T:
        if self._child is not None and self._child.process.poll() is not None:
            self._end()
        try:
            child = self._child = self._child or _start()
            _send(child, function, content, args)
            result, error = _receive(child)
        except (EOFError, OSError):  # the process ended, or a timeout (an OSError) is about to end it
            self._end()
            raise TooHeavyError("body: needs too much memory or time; send less at once") from None
        except BaseException:
            self._end()
            raise
        if error is not None:
            raise error
        return result

    def _end(self) -> None:
        if self._child is None:
            return
        child, self._child = self._child, None
        child.connection.close()
        child.ours.close()
        child.process.kill()
        child.process.wait()


class HeavyProcesses:
    """Several processes for jobs. A job runs in the free process that was used last."""

    def __init__(self, count: int) -> None:
        self._free = [HeavyProcess() for _ in range(count)]
        self._all = tuple(self._free)

    async def run(self, function: Callable[[bytes, *Ts], T], content: bytes | Part, *args: *Ts) -> T:
        """Call a function in a process. The caller limits its jobs to the number of processes.

        Raises:
            TooHeavyError: the call needs more than MEMORY_BYTES, or takes longer than JOB_S.
        """
        process = self._free.pop()
        try:
            return await process.run(function, content, *args)
        finally:
            self._free.append(process)

    def close(self) -> None:
        """End all processes."""
        for process in self._all:
            process.close()


def _start() -> Child:
    ours, theirs = socket.socketpair()
    with theirs:
        command = [sys.executable, "-c", _START, str(theirs.fileno()), json.dumps(sys.path)]
        process = subprocess.Popen(command, pass_fds=[theirs.fileno()])  # noqa: S603 - ourselves
    return Child(process, ours, Connection(os.dup(ours.fileno())))


def _send(child: Child, function: Callable[..., object], content: bytes | Part, args: tuple[object, ...]) -> None:
    """Send a job. For a file, send its descriptor and the range to read instead of a copy."""
    file = content.spool.file if isinstance(content, Part) else None
    if not isinstance(content, Part):
        child.connection.send((function, content, args))
    elif file is None:
        child.connection.send((function, content.read(), args))
    else:
        child.connection.send((function, (content.start, content.end), args))
        socket.send_fds(child.ours, [b"f"], [file])


def _receive(child: Child) -> tuple[Any, Exception | None]:
    if not child.connection.poll(JOB_S):
        raise TimeoutError
    return child.connection.recv()


def serve_jobs(descriptor: int) -> None:
    """Serve jobs until the parent closes its end of the socket."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in a terminal reaches this process too; its job must complete
    os.nice(NICENESS)
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))
    theirs = socket.socket(fileno=descriptor)
    connection = Connection(os.dup(descriptor))
    try:
        while True:
            function, content, args = connection.recv()
            body = content if isinstance(content, bytes) else _receive_file(theirs, *content)
            del content
            connection.send(_attempt(function, body, args))
            del body
    except (EOFError, OSError):
        return


def _attempt(function: Callable[..., T], content: bytes, args: tuple[object, ...]) -> tuple[T | None, Exception | None]:
    try:
        return function(content, *args), None
    except (MemoryError, SystemError):  # without memory, orjson returns a value and sets an exception: a SystemError
        raise SystemExit from None  # memory may be fragmented; start with a new process
    except ThunderError as error:
        return None, error.with_traceback(None)
    except Exception as error:  # noqa: BLE001 - a bug; the serving process reports it
        error.add_note("".join(traceback.format_tb(error.__traceback__)))
        return None, error


def _receive_file(theirs: socket.socket, start: int, end: int) -> bytes:
    (file,) = socket.recv_fds(theirs, 1, 1)[1]
    try:
        return read_file(file, start, end)
    finally:
        os.close(file)
