"""An HTTP client with little overhead: one keep-alive socket, and requests encoded in advance."""

import socket
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

JSON_TYPE = {"Content-Type": "application/json"}
TIMEOUT_S = 120
BUFFER = 1 << 20
MAX_IDLE_S = 2


class UnexpectedAnswerError(Exception):
    """An answer has an unexpected status."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer."""

    status: int
    headers: dict[str, str]
    body: bytes


def encode(method: str, path: str, headers: dict[str, str] | None = None, body: bytes = b"") -> bytes:
    """Encode a request. The connection adds the Host header, because only the connection knows the server's address."""
    named = dict(headers or {})
    if body or method != "GET":
        named["Content-Length"] = str(len(body))
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in named.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body


def add_host(request: bytes, url: str) -> bytes:
    """Insert the Host header after the first line."""
    line, _, rest = request.partition(b"\r\n")
    return b"\r\n".join([line, f"Host: {urlsplit(url).netloc}".encode(), rest])


class Wire:
    """A connection to a server."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._url = url
        self._address = (parts.hostname, parts.port)
        self._connect()

    def _connect(self) -> None:
        self._socket = socket.create_connection(self._address, timeout=TIMEOUT_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._file = self._socket.makefile("rb", BUFFER)
        self._used_at = time.monotonic()

    def _stay_connected(self) -> None:
        """Reconnect if needed, because the server closes connections that are idle for five seconds."""
        if time.monotonic() - self._used_at > MAX_IDLE_S:
            self.close()
            self._connect()
        self._used_at = time.monotonic()

    def ask(self, request: bytes) -> Reply:
        """Send a request and read the complete answer."""
        self._stay_connected()
        return self._exchange(add_host(request, self._url))

    def expect(self, status: int, request: bytes) -> Reply:
        """Send a request, and check that the answer has this status."""
        return _check(self.ask(request), status, request)

    def time(self, status: int, request: bytes) -> float:
        """Return the seconds from the first byte sent to the last one read."""
        self._stay_connected()
        whole = add_host(request, self._url)
        began = time.perf_counter()
        reply = self._exchange(whole)
        taken = time.perf_counter() - began
        _check(reply, status, request)
        return taken

    def _exchange(self, request: bytes) -> Reply:
        self._socket.sendall(request)
        status = int(self._file.readline().split()[1])
        headers: dict[str, str] = {}
        while line := self._file.readline().rstrip():
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.lower()] = value.strip()
        return Reply(status, headers, self._read_body(status, headers))

    def _read_body(self, status: int, headers: dict[str, str]) -> bytes:
        if status in {204, 304}:
            return b""
        if headers.get("transfer-encoding") != "chunked":
            return self._file.read(int(headers["content-length"]))
        parts: list[bytes] = []
        while size := int(self._file.readline(), 16):
            parts.append(self._file.read(size))
            self._file.readline()
        self._file.readline()
        return b"".join(parts)

    def close(self) -> None:
        """Close the connection."""
        self._file.close()
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _check(reply: Reply, status: int, request: bytes) -> Reply:
    if reply.status != status:
        raise UnexpectedAnswerError(f"{request[:80]!r} was answered {reply.status}: {reply.body[:300]!r}")
    return reply
