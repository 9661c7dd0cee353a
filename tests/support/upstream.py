"""An HTTP server in a thread that stands in for a model, SAE or HF server: answers scripted per path, and faults."""

import contextlib
import json
import threading
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from typing_extensions import override

from tests.support.http_server import serve

MIB, GIB = 1024**2, 1024**3
PIECE = bytes(64 * 1024)


@dataclass
class Call:
    """A received request. The names of its headers are in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any


@dataclass(frozen=True)
class Raw:
    """An answer by its parts. `length` is the announced Content-Length, if it is not the body's."""

    body: bytes = b"{}"
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict[str, str])
    length: int | None = None


@dataclass(frozen=True)
class Hang:
    """The beginning of an answer, and nothing more until the server is closed."""

    begin: bytes = b""


@dataclass(frozen=True)
class Huge:
    """An endless answer, of which at most a GiB is sent."""


@dataclass(frozen=True)
class Cut:
    """A connection that is closed within the head of the answer."""


Answer = dict[str, Any] | Raw | Hang | Huge | Cut
Script = Answer | Callable[[Call], Answer]


@dataclass
class Upstream:
    """The running server. A path without a script is answered with 404."""

    port: int
    scripts: dict[str, Script] = field(default_factory=dict[str, Script])
    calls: list[Call] = field(default_factory=list[Call])
    sent_bytes: int = 0
    closing: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def list_calls(self, path: str) -> list[Call]:
        return [one for one in self.calls if one.path.partition("?")[0] == path]


class Handler(BaseHTTPRequestHandler):
    upstream: Upstream

    @override
    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        self.do_POST()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        call = Call(self.command, self.path, headers, json.loads(body) if body else None)
        self.upstream.calls.append(call)
        script = self.upstream.scripts.get(self.path.partition("?")[0], Raw(b'{"detail": "Not Found"}', 404))
        with contextlib.suppress(ConnectionError):
            self.give(script(call) if callable(script) else script)

    def give(self, answer: Answer) -> None:
        match answer:
            case dict():
                self.send(Raw(json.dumps(answer).encode(), headers={"Content-Type": "application/json"}))
            case Raw():
                self.send(answer)
            case Hang(begin):
                self.wfile.write(begin)
                self.upstream.closing.wait()
            case Cut():
                self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-")
            case Huge():
                self.send(Raw(b'{"text": "', length=GIB))
                while self.upstream.sent_bytes < GIB:
                    self.wfile.write(PIECE)
                    self.upstream.sent_bytes += len(PIECE)

    def send(self, answer: Raw) -> None:
        self.send_response(answer.status)
        length = len(answer.body) if answer.length is None else answer.length
        for name, value in {**answer.headers, "Content-Length": str(length)}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.body)


@contextlib.contextmanager
def run_upstream(**scripts: Script) -> Generator[Upstream]:
    """Serve on a free port until the end of the block."""
    upstream = Upstream(0, dict(scripts))
    with serve(type("Handler", (Handler,), {"upstream": upstream})) as upstream.port:
        try:
            yield upstream
        finally:
            upstream.closing.set()
