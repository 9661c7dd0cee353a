"""A TCP proxy on loopback that simulates network faults: delays, losses, resets, silence, withheld answers."""

import asyncio
import contextlib
import random
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

HOST = "127.0.0.1"
CHUNK_BYTES = 65_536
STOP_SECONDS = 10
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


@dataclass(eq=False, slots=True)
class Link:
    """A client's connection, and the proxy's connection to the server for it."""

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter | None = None
    silent: bool = False
    holding: bool = False

    def cut(self) -> None:
        """Reset both connections."""
        for writer in (self.client, self.server):
            if writer is not None:
                with contextlib.suppress(OSError):  # it is already closed
                    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
                writer.transport.abort()


@dataclass(slots=True)
class Proxy:
    """A proxy to a Unix socket or a port of loopback, which is determined for each connection.

    Attributes:
        delay_s: delay of each packet in either direction.
        refused: share of new connections that are reset at once.
        dropped: share of packets that are replaced by a reset of their connection.
        hold_after: after a client has sent these bytes, it gets no more answers.
        held: set when that has happened.
        on_answer: called with the first bytes of an answer, which is then not sent.
    """

    target: Callable[[], str | int]
    chance: random.Random = field(default_factory=lambda: random.Random(0))
    delay_s: float = 0
    refused: float = 0
    dropped: float = 0
    hold_after: bytes | None = None
    held: threading.Event = field(default_factory=threading.Event)
    on_answer: Callable[[], None] | None = None
    port: int = 0
    opened: int = 0
    resets: int = 0
    _links: set[Link] = field(default_factory=set)
    _loop: asyncio.AbstractEventLoop = field(init=False)
    _stopping: asyncio.Event = field(init=False)
    _thread: threading.Thread | None = None

    def cut(self) -> None:
        """Reset all connections."""
        self._call(lambda: [link.cut() for link in self._links])

    def silence(self) -> None:
        """Make all existing connections discard all data. New connections work."""
        self._call(lambda: [setattr(link, "silent", True) for link in self._links])

    def _call(self, work: Callable[[], object]) -> None:
        async def run() -> None:
            work()

        asyncio.run_coroutine_threadsafe(run(), self._loop).result(STOP_SECONDS)

    def __enter__(self) -> Self:
        started = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run(started)), daemon=True)
        self._thread.start()
        assert started.wait(STOP_SECONDS), "the proxy did not start"
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._call(self._stopping.set)
        assert self._thread is not None
        self._thread.join(STOP_SECONDS)

    async def _run(self, started: threading.Event) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._serve, HOST, 0)
        self.port = server.sockets[0].getsockname()[1]
        started.set()
        await self._stopping.wait()
        server.close()
        for link in list(self._links):
            link.cut()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        link = Link(writer)
        self._links.add(link)
        self.opened += 1
        try:
            if self._is_unlucky(self.refused):
                return
            target = self.target()
            opening = (
                asyncio.open_unix_connection(target)
                if isinstance(target, str)
                else asyncio.open_connection(HOST, target)
            )
            back, link.server = await opening
            await asyncio.gather(self._pump(link, reader, link.server), self._pump(link, back, writer, answers=True))
        except (OSError, asyncio.CancelledError):
            pass  # one side has disconnected, or the proxy stops
        finally:
            link.cut()
            self._links.discard(link)

    async def _pump(
        self, link: Link, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, answers: bool = False
    ) -> None:
        while data := await reader.read(CHUNK_BYTES):
            if self.delay_s:
                await asyncio.sleep(self.delay_s)
            if self._is_unlucky(self.dropped):
                link.cut()
                return
            if answers and self.on_answer is not None:
                await asyncio.to_thread(self.on_answer)
                link.cut()
                return
            if link.silent or (answers and link.holding):
                continue
            if not answers and self.hold_after is not None and self.hold_after in data:
                link.holding = True
            writer.write(data)
            await writer.drain()
            if link.holding:
                self.held.set()
        writer.close()

    def _is_unlucky(self, share: float) -> bool:
        unlucky = share > 0 and self.chance.random() < share
        self.resets += unlucky
        return unlucky
