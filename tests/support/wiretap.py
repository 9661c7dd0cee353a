"""A TCP proxy in front of the test database that records statements and can cut a connection."""

import contextlib
import re
import socket
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict, make_conninfo

HOST = "127.0.0.1"
CHUNK_BYTES = 65_536
HEADER = struct.Struct(">cI")
LENGTH = struct.Struct(">I")
PURPOSE = re.compile(r"\A(--.*\n)+")
"""The comment lines at the start of a query file."""
NEW_CONNECTION = "select set_config('plan_cache_mode'"
"""The statement of a new connection, which the pool may open at any time."""
NOT_WAITED_FOR = ("select require_stamp", "sync")
"""Messages after which a flush returns results early, without a wait for the server."""


@dataclass
class Wiretap:
    """The texts of statements, and `flush` and `sync`, which request an answer."""

    dsn: str
    sent: list[str] = field(default_factory=list[str])
    parsed: list[str] = field(default_factory=list[str])
    """The texts of the statements that the server has parsed."""
    received: int = 0
    """Bytes of the server's answers."""
    cut_at: str | None = None
    """The start of a statement. The first connection that sends it is reset."""

    def count_trips(self) -> int:
        """Count the round trips since the last count, without those of new connections."""
        pairs = zip(["", *self.sent], self.sent, strict=False)
        trips = sum(
            (now == "sync" and not before.startswith(NEW_CONNECTION))
            or (now == "flush" and not before.startswith(NOT_WAITED_FOR))
            for before, now in pairs
        )
        self.sent.clear()
        return trips


@contextlib.contextmanager
def tap_wire(dsn: str) -> Iterator[Wiretap]:
    """Proxy the connections of a server to its database until the end of the block."""
    with socket.create_server((HOST, 0)) as listening:
        port = listening.getsockname()[1]
        tap = Wiretap(make_conninfo(dsn, host=HOST, port=port, sslmode="disable", gssencmode="disable"))
        threading.Thread(target=_accept, args=(listening, dsn, tap), daemon=True).start()
        yield tap
        listening.shutdown(socket.SHUT_RDWR)


def _accept(listening: socket.socket, dsn: str, tap: Wiretap) -> None:
    with contextlib.suppress(OSError):
        while True:
            client, _ = listening.accept()
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            server = _connect(dsn)
            threading.Thread(target=_listen, args=(client, server, tap), daemon=True).start()
            threading.Thread(target=_pass, args=(server, client, tap), daemon=True).start()


def _connect(dsn: str) -> socket.socket:
    place = conninfo_to_dict(dsn)
    host, port = str(place["host"]), int(str(place.get("port") or 5432))
    if not host.startswith("/"):
        return socket.create_connection((host, port))
    server = socket.socket(socket.AF_UNIX)
    server.connect(str(Path(host) / f".s.PGSQL.{port}"))
    return server


def _listen(client: socket.socket, server: socket.socket, tap: Wiretap) -> None:
    """Pass on messages of a client. The first one starts the session and has no type."""
    statements: dict[bytes, str] = {}
    with contextlib.suppress(OSError), client, server, client.makefile("rb") as stream:
        start = stream.read(LENGTH.size)
        server.sendall(start + stream.read(LENGTH.unpack(start)[0] - LENGTH.size))
        while header := stream.read(HEADER.size):
            kind, length = HEADER.unpack(header)
            body = stream.read(length - LENGTH.size)
            text = _describe(kind, body, statements)
            if kind == b"P":
                tap.parsed.append(statements[body.split(b"\0", 1)[0]])
            if text and tap.cut_at and text.startswith(tap.cut_at):
                tap.cut_at = None
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                client.shutdown(socket.SHUT_RDWR)
                server.shutdown(socket.SHUT_RDWR)  # ends the session, which may hold locks
                return
            if text:
                tap.sent.append(text)
            server.sendall(header + body)


def _describe(kind: bytes, body: bytes, statements: dict[bytes, str]) -> str | None:
    """Describe a message. A prepared statement is sent once and then bound again and again by its name."""
    match kind:
        case b"P":
            name, text, _ = body.split(b"\0", 2)
            statements[name] = PURPOSE.sub("", text.decode())
            return None
        case b"B":
            return statements[body.split(b"\0", 2)[1]]
        case b"H":
            return "flush"
        case b"S":
            return "sync"
        case b"Q":
            return "sync"
        case _:
            return None


def _pass(server: socket.socket, client: socket.socket, tap: Wiretap) -> None:
    with contextlib.suppress(OSError):
        while data := server.recv(CHUNK_BYTES):
            tap.received += len(data)
            client.sendall(data)
    with contextlib.suppress(OSError):
        client.shutdown(socket.SHUT_RDWR)
