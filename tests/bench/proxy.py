"""Simulate a distant database: a TCP proxy to the socket of the embedded Postgres that delays all data."""

import asyncio
import contextlib
import multiprocessing
import socket
from collections.abc import Generator
from dataclasses import dataclass
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path

from core.local.cluster import ROLE
from core.local.postgres import EmbeddedPostgres
from core.local.socket_directory import PORT

FORK = multiprocessing.get_context("fork")
CHUNK = 1 << 18
CLOCK_S = 0.0015
"""The event loop may wake a millisecond late, so the proxy polls for this long before the delay ends."""


@dataclass(frozen=True)
class Proxy:
    """A running proxy."""

    port: int
    delay: "Synchronized[float]"

    def set_delay(self, seconds: float) -> None:
        """Set the additional time of each round trip."""
        self.delay.value = seconds

    def dsn_of(self, database: str) -> str:
        """Return the URL of a database behind the proxy."""
        return f"postgresql://{ROLE}@127.0.0.1:{self.port}/{database}?sslmode=disable&gssencmode=disable"


@contextlib.contextmanager
def run_proxy(postgres: EmbeddedPostgres) -> Generator[Proxy]:
    """Run a proxy in its own process, initially without delay."""
    delay = FORK.Value("d", 0.0)
    path = postgres.socket_dir / f".s.PGSQL.{PORT}"
    with socket.create_server(("127.0.0.1", 0)) as listening:
        process = FORK.Process(target=lambda: asyncio.run(_serve(listening, path, delay)), daemon=True)
        process.start()
        try:
            yield Proxy(listening.getsockname()[1], delay)
        finally:
            process.kill()
            process.join()


async def _serve(listening: socket.socket, path: Path, delay: "Synchronized[float]") -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # asyncio does this itself, but not for a socket created without its protocol.
        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        from_server, to_server = await asyncio.open_unix_connection(str(path))
        late: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        with contextlib.suppress(OSError):
            await asyncio.gather(_take(reader, late, delay), _give(late, to_server), _pass(from_server, writer))
        to_server.close()
        writer.close()

    async with await asyncio.start_server(handle, sock=listening) as server:
        await server.serve_forever()


async def _take(
    reader: asyncio.StreamReader, late: asyncio.Queue[tuple[float, bytes]], delay: "Synchronized[float]"
) -> None:
    loop = asyncio.get_running_loop()
    while data := await reader.read(CHUNK):
        late.put_nowait((loop.time() + delay.value, data))
    late.put_nowait((loop.time(), b""))


async def _give(late: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter) -> None:
    loop = asyncio.get_running_loop()
    while True:
        due, data = await late.get()
        if (left := due - loop.time() - CLOCK_S) > 0:
            await asyncio.sleep(left)
        while loop.time() < due:  # noqa: ASYNC110 - there is no event for a point in time
            await asyncio.sleep(0)
        if not data:
            writer.close()
            return
        writer.write(data)
        await writer.drain()


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(CHUNK):
        writer.write(data)
        await writer.drain()
    writer.close()
